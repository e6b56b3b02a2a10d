"""Facts to findings: whether a fact is well, and what to fix."""

from __future__ import annotations

import enum

import msgspec

from bulkagent.gateway.query_requests import AgentState
from bulkagent.gateway.retcodes import WITH_A_NEWER_GUID

_DAY_S = 86_400
_SOON_DAYS = 30
"""Days before its end from which a certificate is to be renewed; ACME clients do it then too."""
_SKEW_S = 5.0
_LITTLE_SPACE = 500_000_000
_NO_SPACE = 50_000_000
_OTHER_FILES = 48


class CheckStatus(enum.StrEnum):
    """The result of one check."""

    OK = "ok"
    WARNING = "warning"  # it works, and will not for ever or not always
    FAILED = "failed"  # a run would fail by it
    NOT_CHECKED = "not checked"


class Finding(msgspec.Struct, frozen=True):
    """The finding of one check."""

    check: str
    verdict: CheckStatus
    seen: str
    fix: str = ""
    """What to do; "" where nothing is to be done."""


def unchecked(check: str, why: str) -> Finding:
    """The finding of a check that was skipped, and why."""
    return Finding(check, CheckStatus.NOT_CHECKED, why)


class Handshake(msgspec.Struct, frozen=True):
    """A TLS connection that came about."""

    version: str
    """Such as `TLSv1.3`."""
    expires_s: float | None
    """Time of day in seconds from which the gateway's certificate is not accepted; None: nobody
    looks."""
    insecure: bool = False


class Certificate(msgspec.Struct, frozen=True):
    """A certificate in a file."""

    path: str
    expires_s: float


def of_handshake(seen: Handshake, now_s: float) -> Finding:
    """The gateway's certificate, host name and version, which were accepted."""
    if seen.insecure or seen.expires_s is None:
        return Finding(
            "TLS",
            CheckStatus.WARNING,
            f"{seen.version}; any certificate is accepted (--insecure)",
            "Give --ca-file and --tls-server-name in place of --insecure. Anybody can listen in.",
        )
    left = _days(seen.expires_s - now_s)
    said = f"{seen.version}; the certificate is accepted, and good for {left}"
    if seen.expires_s - now_s < _SOON_DAYS * _DAY_S:
        return Finding(
            "TLS",
            CheckStatus.WARNING,
            said,
            "Have the gateway's certificate renewed. After its end no run can send.",
        )
    return Finding("TLS", CheckStatus.OK, said)


def of_certificate(seen: Certificate, now_s: float) -> Finding:
    """The certificate that is presented to the gateway."""
    left_s = seen.expires_s - now_s
    if left_s <= 0:
        return Finding(
            "client certificate",
            CheckStatus.FAILED,
            f"{seen.path} ended {_days(-left_s)} ago",
            "Have it renewed. The gateway does not accept it any more.",
        )
    verdict = CheckStatus.WARNING if left_s < _SOON_DAYS * _DAY_S else CheckStatus.OK
    fix = "Have it renewed in time." if verdict is CheckStatus.WARNING else ""
    return Finding("client certificate", verdict, f"{seen.path}, good for {_days(left_s)}", fix)


def of_clock(theirs_s: float, ours_s: float) -> Finding:
    """The gateway's clock beside this machine's; a header of HTTP has whole seconds."""
    skew = theirs_s - ours_s
    said = f"the gateway's clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    if abs(skew) <= _SKEW_S:
        return Finding("clock", CheckStatus.OK, f"{said}, which does no harm")
    return Finding(
        "clock",
        CheckStatus.WARNING,
        said,
        "Set both clocks by NTP. --start-at goes by this machine's, and logs are compared by both.",
    )


def of_state(source: str, agent_id: str, state: AgentState | None, why: str, code: str) -> Finding:
    """The answer of agentstatus about an agent, asked with the GUID of one source.

    Args:
        source: Where the GUID came from, as people call it.
        agent_id: The agent.
        state: The state in the answer; None where it has none.
        why: Its words, or the network's, where it did not.
        code: The retcode that it refused with; "" where it did not answer.
    """
    check = f"GUID from {source}"
    if state is not None:
        said = state.name.lower().replace("_", " ")
        return Finding(check, CheckStatus.OK, f"agent {agent_id} is {said}, so the GUID is good")
    if code in WITH_A_NEWER_GUID:
        return Finding(
            check,
            CheckStatus.WARNING,
            f"the gateway refused the GUID of agent {agent_id}: {why}",
            "The agent has not signed in, or this GUID is not the newest."
            " Try an agent who has signed in.",
        )
    advice = "Check the address." if code else "Check that the source works and knows the agent."
    return Finding(check, CheckStatus.FAILED, f"agent {agent_id}: {why}", advice)


def of_open_files(in_flight: int, hard: int) -> Finding:
    """Room for as many connections under the system's limit, to which a run raises its own.

    -1 stands for no limit.
    """
    needed = in_flight + _OTHER_FILES
    limit = "and there is no limit" if hard < 0 else f"and {hard:,} are allowed"
    said = f"a run opens up to {needed:,} at once, {limit}"
    if 0 <= hard < needed:
        return Finding(
            "open files",
            CheckStatus.FAILED,
            said,
            "Lower --concurrency, or raise ulimit -n.",
        )
    return Finding("open files", CheckStatus.OK, said)


def of_disk(path: str, free: int) -> Finding:
    """Room for the ledger's growth."""
    said = f"{_bytes(free)} free for {path}"
    fix = "Free some space, prune old runs, or give another place with --ledger."
    if free < _NO_SPACE:
        return Finding("disk", CheckStatus.FAILED, said, fix)
    if free < _LITTLE_SPACE:
        return Finding("disk", CheckStatus.WARNING, said, fix)
    return Finding("disk", CheckStatus.OK, said)


def of_temporary_folder(path: str, why: str) -> Finding:
    """Where temporary files go; no run at a real gateway needs any.

    Args:
        path: The folder; "" where there is none.
        why: The system's words about a folder that cannot be written; "" for one that can.
    """
    check = "temporary folder"
    if not why:
        return Finding(check, CheckStatus.OK, f"{path} can be written")
    return Finding(
        check,
        CheckStatus.WARNING,
        f"{path}: {why}" if path else why,
        "Set TMPDIR to a folder that can be written. session hold, doctor --pilot and emulated"
        " gateways need one.",
    )


def _days(seconds: float) -> str:
    days = int(seconds // _DAY_S)
    return f"{days:,} day{'' if days == 1 else 's'}"


def _bytes(number: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number:,} bytes"
