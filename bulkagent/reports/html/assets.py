"""The files of the page, and the policy that lets a browser run them and nothing else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources


@cache
def asset(name: str) -> str:
    """The text of a file beside this module."""
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def policy_for(style: str, script: str | None = None) -> str:
    """The Content-Security-Policy of a page that has this style and this script."""
    scripts = f" script-src {_hash(script)};" if script is not None else ""
    return (
        f"default-src 'none'; style-src {_hash(style)};{scripts} base-uri 'none';"
        " form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
