"""The operating system's own words for a connection that did not come about."""

from __future__ import annotations

import os
import re

_NUMBER = re.compile(r"\[Errno (\d+)\]")


def words_of(error: OSError) -> str:
    """Such as `connection refused`, for each address that was tried; "" where it has no number.

    asyncio puts its own words, with the address, in the place of the system's; the number stays.
    """
    numbers = [error.errno] if error.errno else map(int, _NUMBER.findall(str(error)))
    said = dict.fromkeys(os.strerror(number) for number in numbers if number > 0)
    return ", ".join(f"{words[:1].lower()}{words[1:]}" for words in said)
