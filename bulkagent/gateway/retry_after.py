"""For how long a reply asks to be left alone.

The time of day is an argument.
"""

from __future__ import annotations

import email.utils
import re
from datetime import UTC

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)


def retry_after_s(header: str, now_ms: int) -> float:
    """Seconds that a `Retry-After` header asks for; 0 where it asks for none or is garbage.

    Args:
        header: Its value: seconds, or an HTTP date in any of its three forms (RFC 9110, sections
            10.2.3 and 5.6.7).
        now_ms: Time of day in milliseconds, that a date is counted from.
    """
    text = header.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        at = email.utils.parsedate_to_datetime(text)
        # The form of asctime has no time zone; all HTTP dates are GMT.
        seconds = at.replace(tzinfo=at.tzinfo or UTC).timestamp() - now_ms / 1000.0
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    return max(0.0, seconds)
