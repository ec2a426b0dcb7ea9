"""`python -m bench.checks [FILE]`: the tables of docs/audit.md, made from the list of all checks
(``registry.provenance.checks.listed``). Between the marks of a level nothing is written by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from registry.provenance.checks.listed import LISTED

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "audit.md"
_MARKED = re.compile(r"(<!-- checks of level (\d): python -m bench\.checks -->\n).*?(<!-- end -->)", re.DOTALL)
_HEAD = "| check | holds if | compared with | if it fails | can't show |\n|---|---|---|---|---|\n"


def table(level: int) -> str:
    """The table of one level."""
    rows = (one for one in LISTED.values() if one.level == level)
    return _HEAD + "".join(
        f"| `{one.id}` | {one.title} | {one.against} | {one.failure} | {one.blind} |\n" for one in rows
    )


def made(text: str) -> str:
    """The document with its tables made anew."""
    return _MARKED.sub(lambda found: found[1] + table(int(found[2])) + found[3], text)


def levels(text: str) -> list[int]:
    """The levels that have a table there."""
    return [int(found[2]) for found in _MARKED.finditer(text)]


def main(given: list[str]) -> None:
    """Write it."""
    path = Path(given[0]) if given else FILE
    path.write_text(made(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
