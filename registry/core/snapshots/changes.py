"""The changes from one snapshot's items to another's, computed row by row; ``tables.diff`` must give the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from registry.core.snapshots.snapshot import Row


class Comparison(NamedTuple):
    """What became of a snapshot: items by rising sha256; ``changed`` holds (before, after)."""

    added: list[Row]
    removed: list[Row]
    changed: list[tuple[Row, Row]]


def compare(items_a: Iterable[Row], items_b: Iterable[Row]) -> Comparison:
    """From snapshot a to snapshot b. Items are dicts (``tables.rows_as_dicts``), in any order.

    For two large tables that share most, ``tables.diff`` gives the same without reading the rest.
    """
    before = {row["sha256"]: row for row in items_a}
    after = {row["sha256"]: row for row in items_b}
    return Comparison(
        added=[after[key] for key in sorted(after.keys() - before.keys())],
        removed=[before[key] for key in sorted(before.keys() - after.keys())],
        changed=[
            (before[key], after[key]) for key in sorted(before.keys() & after.keys()) if before[key] != after[key]
        ],
    )
