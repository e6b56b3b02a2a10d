"""Every option of `session hold` arrives where it is obeyed: a guard that is dropped guards nobody.

Proves --status, --auto-answer, --sign-in-rate, --sign-in-concurrency, --sign-in-again,
--sign-in-unknown, --sign-in-refused, --force-sign-in, --sign-out-on-exit, --poll-pause,
--max-agents; guide "Sessions that bulkagent holds".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bulkagent.cli.commands import hold_flow
from tests.cli.command import inside

GATEWAY = "https://localhost:1"


def _asked(folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> Any:
    """What a hold is asked for with these options."""
    found: list[Any] = []

    def keep(request: Any, *_: object, **__: object) -> int:
        found.append(request)
        return 0

    monkeypatch.setattr(hold_flow, "carry_out", keep)
    (folder / "r.csv").write_text("agent_id,password,phonenum\n101,x,7101\n")
    ended = inside(
        folder,
        *("session", "hold", "r.csv", "--gateway", GATEWAY, "--sessions", "s.jsonl"),
        *options,
    )
    assert ended.code == 0, ended.err
    (request,) = found
    return request


# By option: what is typed after it, where it arrives, what stands there without it and with it.
ARRIVES: dict[str, tuple[tuple[str, ...], str, object, object]] = {
    "--status": (("idle",), "choice.status", 3, 4),
    "--auto-answer": ((), "choice.auto_answer", False, True),
    "--sign-in-rate": (("2/s",), "policy.sign_in.per_second", 5.0, 2.0),
    "--sign-in-concurrency": (("7",), "policy.sign_in.at_once", 4, 7),
    "--force-sign-in": ((), "policy.sign_in.force", False, True),
    "--poll-pause": (("250ms",), "policy.poll_pause_s", 0.5, 0.25),
    "--sign-in-again": ((), "policy.sign_in_again", False, True),
    "--sign-out-on-exit": ((), "policy.sign_out_on_exit", False, True),
    "--sign-in-unknown": ((), "sign_in_unknown", False, True),
    "--sign-in-refused": ((), "sign_in_refused", False, True),
    "--max-agents": (("9",), "max_agents", None, 9),
    "--connect-timeout": (("1s",), "connect_timeout_s", 3.0, 1.0),
}


def _at(request: Any, place: str) -> object:
    for name in place.split("."):
        request = getattr(request, name)
    return request


@pytest.mark.parametrize("option", list(ARRIVES))
def test_it_arrives(option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words, place, without, wanted = ARRIVES[option]
    assert _at(_asked(tmp_path, monkeypatch), place) == without
    assert _at(_asked(tmp_path, monkeypatch, option, *words), place) == wanted
