"""The words of the configuration file: what each means, and what holds without it.

What may live here: the table of words, and a file of them all. What this module must not know: what
a word's value becomes.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable

import msgspec

__all__ = ["GATEWAY_WORDS", "TOP_WORDS", "WORDS", "Word", "commented_file"]


class Word(msgspec.Struct, frozen=True):
    """One key of `bulkagent.toml`."""

    name: str
    default: str
    """What holds where nobody says otherwise, as it would be written; "": nothing does."""
    example: int | bool | str | tuple[str, ...]
    meaning: str
    """A sentence, with the unit and the range where there is one."""


WORDS = (
    Word("concurrency", "16", 16, 'Requests in flight at once, at each gateway: 1 to 10000, "auto" or "auto:4-256".'),
    Word("rate", "100/s", "100/s", 'Requests started a second or minute, at each gateway; "none" for no limit.'),
    Word("burst", "1", 1, "Requests that may start at once under the rate, 1 to 100000."),
    Word("max_attempts", "8", 8, "Attempts for one agent before it is put off to the end of the run, 1 to 1000."),
    Word("retry_for", "2m", "2m", 'How long an agent whose attempts are spent is tried again at the end; or "none".'),
    Word("give_up_after", "5m", "5m", "A gateway that was down for so long gets nothing more; 30s where it never answered, if nobody says."),
    Word("resend_after_switchover", "false", True, "Send those once more who were set before the gateway switched over."),
    Word("connect_timeout", "3s", "3s", "For name, connection and TLS together."),
    Word("timeout", "10s", "10s", "For one request in all; above connect_timeout."),
    Word("agent_id_range", "101-59999", "101-59999", "Agent IDs that the gateway knows; 101-999999 since AICC 25.200."),
    Word("max_agents", "", 6000, "A roster with more agents is refused."),
    Word("deadline", "none", "45m", 'After so long nothing more is admitted; or "none".'),
    Word("grace", "15s", "15s", "How long requests in flight may take once a run is stopped."),
    Word("halt", "none", "fail=20%", 'Halt when so many of the finished agents are not applied: "fail=N%", "fail=N" or "none".'),
    Word("halt_first", "50", 50, "Halt a gateway whose first agents, so many, all get one verdict of wrong set-up; 0: never."),
    Word("durability", "normal", "full", '"normal": the ledger survives any crash of the process; "full": of the machine too, slower.'),
    Word("max_age", "2h", "2h", "A run that nobody was at work on for so long is not resumed."),
    Word("trust_state", "8h", "8h", "How long a revert takes a recorded talk right for what an agent had."),
    Word("sessions", "", "sessions.jsonl", "File of GUIDs that another process keeps up to date, beside this one; in the place of the roster's column."),
    Word("guid_url", "", "https://guids.example/{gateway}/{agentid}", "Service that is asked for each GUID; in the place of the roster's column."),
    Word("guid_ca_file", "", "guid-ca.pem", "PEM file of the private CA of guid_url, beside this file."),
    Word("group_by", "", "team", "The roster's column by which agents hand over in groups."),
    Word("handover", "true", False, "Whether incoming agents are set before outgoing ones."),
    Word("gate", "95%", "95%", "So many of a group's incoming agents must be up before an outgoing one goes off."),
    Word("floor", "none", "80%", 'So many of a group, as a share of its outgoing agents, must be on at any time; or "none".'),
    Word("canary", "0", 20, "Set so many agents first, and the others only if these went well; up to 100000."),
    Word("wait_for_sign_in", "none", "20m", 'How long agents are waited for who are not signed in; or "none".'),
    Word("up_means", "permission", "available", '"permission": who is applied is up; "available": who was then seen to take calls.'),
    Word("absent_ok", "false", True, "An outgoing agent who is surely signed out is as good as set."),
    Word("verify_with", "", ("east/105:7",), "Agents who are asked, before and after, who of a skill queue takes calls: AGENT:SKILL or GATEWAY/AGENT:SKILL."),
    Word("verify_again_after", "2s", "2s", 'Where that proves somebody wrong, ask once more after so long; or "none".'),
    Word("protect", "", ("supervisors.csv",), "Files of agents who are never touched, beside this file."),
)  # fmt: skip
"""What may stand at the top of the file, and in the section of a job."""

TOP_WORDS = (
    Word("ledger", "", "/var/lib/bulkagent/ledger.sqlite3", "The ledger; without it, one in the platform's folder for state."),
    Word("job", "", "morning", "The job whose section holds where no other is named."),
    Word("time_zone", "", "Europe/Berlin", "The zone of times of day; without it, the machine's."),
)  # fmt: skip
"""What may stand at the top of the file alone."""

GATEWAY_WORDS = (
    Word("url", "", "https://agw-east.example:8043", "Where it is."),
    Word("ca_file", "", "east-ca.pem", "PEM file of the private CA that it is trusted by, beside this file; without it, the system's."),
    Word("client_cert", "", "client.pem", "PEM file with certificate and key that are presented to it."),
    Word("tls_server_name", "", "agw-east.example", "The name to expect in its certificate, behind an IP address."),
    Word("concurrency", "", 16, "As above, for this gateway."),
    Word("rate", "", "100/s", "As above, for this gateway."),
    Word("burst", "", 1, "As above, for this gateway."),
    Word("agent_id_range", "", "101-59999", "As above, for this gateway."),
    Word("max_agents", "", 6000, "A run with more agents on it is refused."),
    Word("protect", "", ("supervisors.csv",), "Files of agents who are never touched on it."),
)  # fmt: skip
"""What may stand in the section of a gateway."""

_HEAD = """\
# bulkagent.toml: what every run takes for granted. Options go over the environment
# (BULKAGENT_...), that over [gateways.NAME], that over [jobs.NAME], that over the top.
# What is commented out below is an example; in brackets stands what holds without it.
# A time is a number with ms, s, m, h or d.
"""


def commented_file() -> str:
    """A configuration file that has every word, commented out."""
    parts = [_HEAD, *_commented((*TOP_WORDS, *WORDS))]
    parts.append(
        "# A gateway that --gateway and rosters may call by its name.\n# [gateways.east]\n"
    )
    parts.extend(_commented(GATEWAY_WORDS))
    parts.append(
        "# What holds for the runs of --job morning; anything that may stand at the top but\n"
        "# ledger, job and time_zone.\n# [jobs.morning]\n"
    )
    parts.extend(_commented(word for word in WORDS if word.name in {"max_agents", "floor"}))
    return "\n".join(parts)


def _commented(words: Iterable[Word]) -> list[str]:
    text: list[str] = []
    for word in words:
        default = f" [{word.default}]" if word.default else ""
        meaning = textwrap.fill(
            f"{word.meaning}{default}", 92, initial_indent="# ", subsequent_indent="# "
        )
        # What is JSON, of these kinds, is TOML too.
        text.append(f"{meaning}\n# {word.name} = {json.dumps(word.example)}\n")
    return text
