"""Writes the parts of README and guide that come from the program."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import time
from pathlib import Path

from tests.documents import DOCUMENTS, GUIDE, REPOSITORY
from tests.guide import pages
from tests.guide.transcripts import HOME, rewritten


def main() -> None:
    """Write tables, then transcripts."""
    parser = argparse.ArgumentParser(prog="python -m tests.guide")
    parser.add_argument("name", nargs="*", help="pages whose transcripts are run; default: all")
    parser.add_argument("--pages", action="store_true", help="write the pages from tables alone")
    parser.add_argument("--all", action="store_true", help="also where only figures differ")
    asked = parser.parse_args()
    pages.write()
    for name in () if asked.pages else asked.name or DOCUMENTS:
        path = REPOSITORY / "README.md" if name == "README" else GUIDE / f"{name}.md"
        begun = time.monotonic()
        folder = Path("/tmp") / secrets.token_hex(2)  # noqa: S108 - see HOME
        assert len(str(folder)) == len(HOME)
        folder.mkdir(mode=0o700)
        try:
            page = path.read_text(encoding="utf-8")
            path.write_text(rewritten(name, page, folder, always=asked.all), encoding="utf-8")
        finally:
            shutil.rmtree(folder)
        sys.stdout.write(f"{name}: {time.monotonic() - begun:.1f} s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
