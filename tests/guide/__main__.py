"""Writes the parts of the guide that come from the program."""

from __future__ import annotations

from tests.guide import pages

if __name__ == "__main__":
    pages.write()
