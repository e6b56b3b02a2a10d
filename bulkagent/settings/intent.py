"""Settings of one run alone: consent, and the purpose of that run."""

from __future__ import annotations

INTENT = frozenset(
    {
        *("yes", "flag", "operation", "with", "insecure", "override", "take_over", "expect"),
        *("allow_closing", "assume_opposite", "skip_invalid", "hidden_rows", "allow_no_queue"),
        *("resend_after_sign_in", "only", "roster", "start_at", "finish_by"),
        *("status", "auto_answer", "force_sign_in", "sign_in_unknown", "sign_in_refused"),
    }
)
"""Options that come from the command line alone, by the names of their fields."""

_CONSENT = frozenset({"yes", "insecure", "override", "force_sign_in"})


def not_from(name: str, where: str) -> str:
    """Why an option cannot be given there, and how it is given.

    Args:
        name: One of `INTENT`.
        where: Such as `the environment`.
    """
    option = f"--{name.replace('_', '-')}"
    what = "agrees to what one run does" if name in _CONSENT else "is what one run is meant to do"
    return f"{option} {what}, so it is not taken from {where}; give it on the command line"
