"""Makes the pictures of `.github` from real runs: `python -m tests.pictures [NAME ...]`.

Needs Chromium, and `pip install pyte`, which reads what the program writes to a terminal. A picture
of a terminal is one of the moment at which the run is half done.
"""

from __future__ import annotations

import asyncio
import base64
import csv
import errno
import html
import itertools
import os
import pty
import re
import shutil
import struct
import sys
import tempfile
import termios
from collections.abc import Sequence
from fcntl import ioctl
from pathlib import Path

import msgspec
import pyte

from tests.reports import browser

ROOT = Path(__file__).parent.parent
PLACE = ROOT / ".github"
SAMPLES = ROOT / "samples"
SCENARIOS = SAMPLES / "scenarios"

WIDE = 1280


class Shot(msgspec.Struct, frozen=True):
    """One run, and what is made of it."""

    typed: str
    """The command as the picture shows it."""
    arguments: tuple[str, ...]
    terminal: str
    page: str
    scheme: str
    columns: int = 106
    height: int = 1_425


SHOTS = (
    Shot(
        "bulkagent apply handover.csv --group-by team --floor 90% --gateway emulated ...",
        (
            *("apply", "handover.csv", "--group-by", "team", "--floor", "90%", "--rate", "80/s"),
            *("--scenario", str(SCENARIOS / "handover_trouble.toml"), "--note", "CHG-2043"),
        ),
        *("terminal.png", "report-light.png", "light"),
    ),
    Shot(
        "bulkagent apply morning.csv --flag 1 --gateway emulated --concurrency auto:16-256 ...",
        (
            *("apply", "morning.csv", "--flag", "1", "--agent-id-range", "101-60100"),
            *("--concurrency", "auto:16-256"),
            *("--scenario", str(SCENARIOS / "transient_faults.toml"), "--note", "CHG-2044"),
        ),
        *("terminal-60000.png", "report-dark.png", "dark"),
    ),
)

FIRST = ("Ana", "Ben", "Cleo", "Dov", "Eli", "Fay", "Gus", "Hana", "Ivo", "Jun", "Kai", "Lea")
LAST = ("Abel", "Brandt", "Costa", "Diaz", "Endo", "Faber", "Garg", "Holt", "Ito", "Jansen")


def large_roster(path: Path, agents: int = 60_000) -> None:
    """A roster of made-up agents in teams of forty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("agent_id", "name", "team", "site"))
        for at in range(agents):
            name = f"{FIRST[at % len(FIRST)]} {LAST[at // 7 % len(LAST)]}"
            rows.writerow((101 + at, name, f"T{at // 40:04}", ("north", "south")[at % 2]))


# Any moment of these will do: between two of them the screen may not be drawn.
_HALF_DONE = re.compile(r" *(5[5-9]|6\d)% ")


def run(shot: Shot, folder: Path) -> list[str]:
    """Run a command on a terminal of its own; the screen when it was half done, as HTML lines."""
    screen = pyte.Screen(shot.columns, 40)
    stream = pyte.ByteStream(screen)
    stream.feed(f"$ {shot.typed}\r\n".encode())
    child, terminal = pty.fork()
    if not child:
        os.chdir(folder)
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            os.environ.pop(name, None)
        os.environ |= {"TERM": "xterm-256color", "HOME": str(folder), "TZ": "Europe/Berlin"}
        command = str(Path(sys.executable).with_name("bulkagent"))
        more = ("--gateway", "emulated", "--report", "shift.html")
        os.execv(command, (command, *shot.arguments, *more))  # noqa: S606 - our own command
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, shot.columns, 0, 0))
    half: list[str] = []
    while part := _read(terminal):
        stream.feed(part)
        if not half and any(map(_HALF_DONE.match, screen.display)):
            half = lines_of(screen)
    os.waitpid(child, 0)
    os.close(terminal)
    return half or lines_of(screen)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError as error:
        if error.errno == errno.EIO:  # nobody writes to it any more
            return b""
        raise


def lines_of(screen: pyte.Screen) -> list[str]:
    """What is on a screen, as lines of HTML, without the empty ones at its end."""
    lines = []
    for row in range(screen.lines):
        cells = [screen.buffer[row][column] for column in range(screen.columns)]
        runs = [
            f'<span class="{"b " if bold else ""}c-{colour}">{text}</span>'
            for (colour, bold), text in _runs(cells)
        ]
        lines.append("".join(runs) if any(cell.data.strip() for cell in cells) else "")
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _runs(cells: Sequence[pyte.screens.Char]) -> list[tuple[tuple[str, bool], str]]:
    return [
        (look, html.escape("".join(cell.data for cell in group)))
        for look, group in itertools.groupby(cells, key=lambda cell: (cell.fg, cell.bold))
    ]


COLOURS = {
    "default": "#dfe5ec",
    "red": "#ff8577",
    "green": "#5cc28f",
    "brown": "#e6b450",
    "blue": "#86b1ee",
    "cyan": "#6fc7d1",
    "magenta": "#d3a0df",
    "brightblack": "#7b8796",
}


def terminal_page(lines: Sequence[str]) -> str:
    """A page that looks like a terminal."""
    text = "\n".join(lines)
    used = set(re.findall(r"c-(\w+)", "".join(lines)))
    rules = "".join(
        f".c-{name} {{ color: {COLOURS.get(name) or f'#{name}'} }}\n" for name in sorted(used)
    )
    return (
        "<!doctype html><meta charset=utf-8><style>body { margin: 0; background: #12161c }"
        " pre { margin: 0; padding: 18px 22px; display: inline-block;"
        " font: 15px/20px 'DejaVu Sans Mono', monospace } .b { font-weight: 700 }\n"
        f"{rules}</style><pre>{text}</pre>"
    )


async def picture(page: browser.Page, path: Path, out: Path, shot: Shot, *, screen: bool) -> None:
    """Take one picture of a page."""
    scheme = [{"name": "prefers-color-scheme", "value": shot.scheme}]
    await page.send("Emulation.setEmulatedMedia", features=scheme)
    await page.send(
        *("Emulation.setDeviceMetricsOverride",),
        width=WIDE,
        height=900,
        deviceScaleFactor=1.5 if screen else 1,
        mobile=False,
    )
    await page.open(path)
    width, height = WIDE, shot.height
    if screen:
        box = "document.querySelector('pre').getBoundingClientRect()"
        width, height = await page.ask(f"[{box}.width, {box}.height]")
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    shown = await page.send("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
    out.write_bytes(base64.b64decode(shown["data"]))


async def pictures(names: Sequence[str]) -> None:
    """Run each command whose pictures are wanted, and take them."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        shutil.copy(SAMPLES / "handover.csv", folder)
        large_roster(folder / "morning.csv")
        with browser.running(folder / "browser") as address:
            for shot in SHOTS:
                if names and not {shot.terminal, shot.page} & set(names):
                    continue
                lines = await asyncio.to_thread(run, shot, folder)
                (folder / "terminal.html").write_text(terminal_page(lines), encoding="utf-8")
                async with browser.page(address) as page:
                    for file, out in (("terminal", shot.terminal), ("shift", shot.page)):
                        path = folder / f"{file}.html"
                        await picture(page, path, PLACE / out, shot, screen=file == "terminal")


if __name__ == "__main__":
    asyncio.run(pictures(sys.argv[1:]))
