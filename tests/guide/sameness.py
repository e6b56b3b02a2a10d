"""Two outputs are the same but for what differs from run to run: IDs, times, rates, ports."""

from __future__ import annotations

import re

RUN = re.compile(r"\b\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{4}\b")

_STAMPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+\d\d:\d\d ")
"""What a line of progress begins with; how many there are is chance."""

_NUMBER = r"\d[\d,]*(?:\.\d+)?"

_CHANCE: tuple[tuple[str, str], ...] = (
    (r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?", "TIME"),
    (r"\b\d\d:\d\d:\d\d\b", "TIME"),
    # One zone in winter and in summer.
    (r"\bCES?T\b", "CET"),
    # What is measured has a fraction; what was asked for, or follows from that, has none.
    (r"\d[\d,]*\.\d+ ?(?:ms|s)\b", "DURATION"),
    # Counted from the second in which a command begins to one of the clock.
    (r"TIME UTC, in \d+ s\b", "TIME UTC, in DURATION"),
    (r"\b\d+ s to spare", "DURATION to spare"),
    (r"\b\d+ s (before|after) TIME", r"DURATION \1 TIME"),
    (rf"good for {_NUMBER} days", "good for DAYS"),
    (rf"(?:{_NUMBER} are allowed|there is no limit)", "LIMIT"),
    (rf"\({_NUMBER}/s\)", "(RATE)"),
    (rf"{_NUMBER} [KMGT]B\b", "SIZE"),
    (r"(localhost|127\.0\.0\.1):\d+", r"\1:PORT"),
    (r"port \d+", "port PORT"),
    (r'"(elapsed_s|latency_ms)":[\d.]+', r'"\1":N'),
    (r'"(peak_in_flight|connections|peak_per_second)":\d+', r'"\1":N'),
    (r"has the address \S+", "has the address ADDRESS"),
    (r"clock is [01] s (?:behind|ahead)", "clock is right"),
    # A time of day is in whole seconds, so what is left until then depends on the moment.
    (r"\b\d+ s (too long|to spare|after|before)\b", r"S \1"),
    (r"would do: --rate \d+/s", "would do: --rate N/s"),
)
_PATTERNS = tuple((re.compile(pattern), instead) for pattern, instead in _CHANCE)

_AGENTS = re.compile(r"(?<=: )(\d{3,6}(?:, \d{3,6})+)(, \.\.\.)?")
_RETRIES = re.compile(rf"({_NUMBER}) requests, ({_NUMBER}) of them retries")
_SPACES = re.compile(r"(?<=\S)  +")


class Sameness:
    """The outputs of one page, in their order; run IDs are known by when they came up first."""

    def __init__(self) -> None:
        self._runs: dict[str, int] = {}

    def of(self, output: str) -> list[str]:
        """The lines without what is chance."""
        lines = [line for line in output.splitlines() if not _STAMPED.match(line)]
        return [self._of_line(line) for line in lines]

    def _of_line(self, line: str) -> str:
        line = RUN.sub(lambda run: f"RUN{self._number(run[0])}", line)
        for pattern, instead in _PATTERNS:
            line = pattern.sub(instead, line)
        line = _RETRIES.sub(_first_attempts, line)
        line = _AGENTS.sub(_in_order, line)
        return _SPACES.sub(" ", line).rstrip()

    def _number(self, run: str) -> int:
        return self._runs.setdefault(run, len(self._runs) + 1)


def _first_attempts(found: re.Match[str]) -> str:
    """A retry more or less is chance; whether there is one, and the first attempts, are not."""
    requests, retries = (int(number.replace(",", "")) for number in found.groups())
    return f"{requests - retries} requests, {'some' if retries else 'no'} retries"


def _in_order(found: re.Match[str]) -> str:
    """Agents end in any order; of many the first few are shown."""
    return "AGENTS" if found[2] else ", ".join(sorted(found[1].split(", ")))
