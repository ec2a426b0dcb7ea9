"""A page of a table of any size: rows behind a key that meet a wish, found by looking at a bounded number of rows.

Invariant: the work of a page does not depend on where it lies. ``next`` leads on until the table has ended, also where
no row of a page met the wish.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ON_A_PAGE = 48
MOST_LOOKED_AT = 4000  # rows: tens of milliseconds
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Window:
    """``rows`` of a page; ``next``: the sha256 in hex that the next page begins behind, or None at the end."""

    rows: tuple[Row, ...]
    next: str | None


def everything(_: Row) -> bool:
    """A filter that every row passes."""
    return True


def window(
    rows: Iterator[Row], keep: Callable[[Row], bool] = everything, *, take: int = ON_A_PAGE, most: int = MOST_LOOKED_AT
) -> Window:
    """The first ``take`` of ``rows`` (by rising ``sha256``, bytes or hex) that are kept."""
    found: list[Row] = []
    last: Row | None = None
    for looked, row in enumerate(rows):
        if last is not None and (len(found) >= take or looked >= most):
            return Window(tuple(found), _hex(last))
        last = row
        if keep(row):
            found.append(row)
    return Window(tuple(found), None)


def _hex(row: Row) -> str:
    key = row["sha256"]
    return key.hex() if isinstance(key, bytes) else str(key)
