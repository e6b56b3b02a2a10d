"""Guesses at the quantity that a wrong text was meant to be."""

from __future__ import annotations

import re

_NUMBER = r"(\d+(?:\.\d+)?)"
_UNITS = {
    "ms": "milliseconds millisecond millis msecs msec ms",
    "s": "seconds second secs sec s",
    "m": "minutes minute mins min m",
    "h": "hours hour hrs hr h",
    "d": "days day d",
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words.split()}
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_WORDS = "|".join(sorted(_UNIT_OF, key=len, reverse=True))
_PART = re.compile(rf"{_NUMBER}\s*({_WORDS})", re.ASCII)
_RATE = re.compile(rf"{_NUMBER}\s*(?:(?:/|per\s*|p)\s*({_WORDS})|r?(?:ps|/s)|)", re.ASCII)
_RANGE = re.compile(r"(\d+)\s*(?:\.\.+|:|to|/|;|,|[-\u2010-\u2015])\s*(\d+)")
_NOTHING = frozenset({"0", "no", "off", "never", "unlimited", "infinite", "inf", "false", "-1"})


def as_duration(text: str) -> str:
    """`1m30s`, `5 minutes` or `1,5s` as one number with a unit; "" where it is none of these."""
    plain = _plain(text)
    parts = _PART.findall(plain)
    if not parts or _PART.sub("", plain).strip(" and"):
        return ""
    if len(parts) == 1:
        return f"{parts[0][0]}{_UNIT_OF[parts[0][1]]}"
    return f"{sum(float(number) * _SECONDS[_UNIT_OF[unit]] for number, unit in parts):g}s"


def as_rate(text: str) -> str:
    """`100`, `100 per second` or `100rps` as starts a second; "" where it is none of these."""
    plain = _plain(text)
    if plain in _NOTHING:
        return "none"
    match = _RATE.fullmatch(plain)
    if match is None:
        return ""
    return f"{match[1]}/{_UNIT_OF[match[2]] if match[2] else 's'}"


def as_halt(text: str) -> str:
    """`5%`, `5` or `failed: 5%` as a halt rule; "" where it is none of these."""
    plain = _plain(text)
    if plain in _NOTHING:
        return "none"
    match = re.fullmatch(rf"(?:fail\w*\s*[:= ]?\s*)?{_NUMBER}\s*(%|percent|)", plain, re.ASCII)
    return f"fail={match[1]}{'%' if match[2] else ''}" if match else ""


def as_share(text: str) -> str:
    """`95`, `0.95` or `95 percent` as a share; "" where it is none of these."""
    match = re.fullmatch(rf"{_NUMBER}\s*(percent|%|)", _plain(text), re.ASCII)
    if match is None:
        return ""
    number = float(match[1])
    return f"{number * 100 if '.' in match[1] and number <= 1 and not match[2] else number:g}%"


def as_range(text: str) -> str:
    """`101..59999` or `101 to 59999`, in either order, as a range; "" where it is neither."""
    match = _RANGE.fullmatch(text.strip().lower())
    if match is None or not (match[1] + match[2]).isascii():
        return ""
    low, high = sorted((int(match[1]), int(match[2])))
    return f"{low}-{high}"


def as_concurrency(text: str) -> str:
    """`auto 4-256`, `auto:256-4` or `1,000` as a concurrency; "" where it is none of these."""
    plain = text.strip().lower()
    if plain.startswith("auto") and (bounds := as_range(plain.removeprefix("auto").lstrip(":= "))):
        return f"auto:{bounds}"
    return as_whole(plain)


def as_whole(text: str) -> str:
    """`1,000`, `1 000` or `16.0` as a whole number; "" where it is none of these."""
    match = re.fullmatch(r"(\d{1,3}(?:[,_' ]\d{3})+|\d+)(?:\.0+)?", text.strip(), re.ASCII)
    return re.sub(r"\D", "", match[1]) if match else ""


def _plain(text: str) -> str:
    """Small letters, a point for decimals, and no signs between thousands."""
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text.strip().lower())
    return plain.replace(",", ".")
