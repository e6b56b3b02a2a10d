"""What tells how a command stands ends with it, though its task was cancelled. `--progress`."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, cast

import anyio
import pytest

from bulkagent.cli.commands import hold_flow
from bulkagent.cli.progress import display
from bulkagent.run import PreparedRun
from bulkagent.sessions import Hold


class Endless:
    """A run, or a hold, that goes on until it is cancelled."""

    def status(self) -> None:
        """Nobody asks."""

    async def run(self) -> None:
        await anyio.sleep_forever()

    async def execute(self, *_: object, **__: object) -> None:
        await anyio.sleep_forever()


@pytest.mark.parametrize("teller", ["display", "telling"])
async def test_a_cancelled_command_ends_what_tells_of_it(
    monkeypatch: pytest.MonkeyPatch, teller: str
) -> None:
    told: list[str] = []
    for module, kind in ((display, display._Display), (hold_flow, hold_flow._Telling)):
        monkeypatch.setattr(module, "_signals", lambda *_: nullcontext())
        monkeypatch.setattr(kind, "start", lambda _: told.append("start"))
        monkeypatch.setattr(kind, "end", lambda _: told.append("end"))
    at_work: Any = Endless()

    async def command() -> None:
        if teller == "display":
            await display.execute(cast("PreparedRun", at_work), consent=None, answered=False)
        else:
            await hold_flow._held(cast("Hold", at_work), [])

    async with anyio.create_task_group() as group:
        group.start_soon(command)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert told == ["start", "end"]
