"""`bulkagent session hold`: agents signed in, and their sessions kept alive."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bulkagent.cli.options.given import Given
from bulkagent.cli.options.origins import at_option

if TYPE_CHECKING:
    from bulkagent.sessions import HoldPolicy

# A password in an option would be in every list of processes and in the shell's history.
_PASSWORD = "BULKAGENT_SIGN_IN_PASSWORD"  # noqa: S105 - the variable's name


def hold(given: Given) -> int:
    """Sign in each agent of a roster (columns password and phonenum) and keep the sessions alive.

    The sessions file always has their newest GUIDs, for apply --sessions. The command runs until
    it is interrupted, and then leaves the sessions as they are. An agent without a password in the
    roster gets that of the environment variable BULKAGENT_SIGN_IN_PASSWORD.

    Example: bulkagent session hold desk.csv --gateway east --sessions sessions.jsonl
    """
    from bulkagent.cli.commands.hold_flow import carry_out
    from bulkagent.cli.options import values
    from bulkagent.errors import SettingsRefused
    from bulkagent.roster import RosterRules
    from bulkagent.run.clients.gateways import Gateways
    from bulkagent.sessions import HoldRequest, SignInChoice

    settings = values.settings_of(given)
    target = values.target_of(given)
    if target.emulated:
        raise SettingsRefused(
            "an emulated gateway inside this command would end with it; start bulkagent"
            " emulate --signed-out, and give its address"
        )
    gateways = Gateways(target, settings)
    return carry_out(
        HoldRequest(
            roster=given["roster"],
            rules=RosterRules(
                encoding=given["encoding"],
                delimiter=given["delimiter"],
                agent_column=given["agent_column"],
                require_flag=False,
                agent_id_range=settings.agent_id_range,
                agent_id_ranges=settings.agent_id_ranges,
                gateways=gateways.names,
                default_gateway=gateways.default,
                sends=True,
            ),
            sessions=given["sessions"],
            endpoints={name: gateways.endpoint(name) for name in gateways.names or ()},
            choice=SignInChoice(
                status=_STATUSES[given["status"]],
                auto_answer=given["auto_answer"],
                password=os.environ.get(_PASSWORD, ""),
            ),
            policy=_policy(given),
            max_agents=settings.max_agents,
            sign_in_unknown=given["sign_in_unknown"],
            sign_in_refused=given["sign_in_refused"],
            connect_timeout_s=settings.connect_timeout_s,
        ),
        gateways,
        log_file=given["log_file"],
        yes=given["yes"],
    )


# Page 1202.
_STATUSES = {"busy": 3, "idle": 4, "work": 5}


def _policy(given: Given) -> HoldPolicy:
    from bulkagent.errors import SettingsRefused
    from bulkagent.sessions import HoldPolicy, SignInPace
    from bulkagent.units import duration_s, rate_per_second

    sign_in_rate, at_once = given["sign_in_rate"], given["sign_in_concurrency"]
    with at_option("sign_in_rate"):
        per_second = rate_per_second(sign_in_rate)
    if per_second is None or not _SLOWEST <= per_second <= _FASTEST:
        raise SettingsRefused(
            f"--sign-in-rate must be {_SLOWEST:g}/s to {_FASTEST:,}/s, not {sign_in_rate}"
        )
    if not 1 <= at_once <= _MOST_AT_ONCE:
        raise SettingsRefused(f"--sign-in-concurrency must be 1 to {_MOST_AT_ONCE}, not {at_once}")
    with at_option("poll_pause"):
        pause_s = duration_s(given["poll_pause"])
    if not _SHORTEST_PAUSE_S <= pause_s <= _LONGEST_PAUSE_S:
        raise SettingsRefused(f"--poll-pause must be 200ms to 60s, not {given['poll_pause']}")
    return HoldPolicy(
        sign_in=SignInPace(per_second=per_second, at_once=at_once, force=given["force_sign_in"]),
        poll_pause_s=pause_s,
        sign_in_again=given["sign_in_again"],
        sign_out_on_exit=given["sign_out_on_exit"],
    )


_SLOWEST, _FASTEST = 0.01, 1_000
_MOST_AT_ONCE = 256
# Page 1274 asks for 200 to 500 ms; a GUID is renewed each minute and dies after two.
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 60.0
