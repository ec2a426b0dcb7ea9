"""What two snapshots do not have in common, read without what they share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from registry.core import records, tables
from registry.core.cid import CID
from registry.workflows.parts import Parts
from registry.workflows.read_content import read_as

_LABEL = records.SNAPSHOT_ITEMS[0].index("label")


def compare_snapshots(parts: Parts, before: CID, after: CID) -> Iterator[dict[str, Any]]:
    """Rows ``change`` (added, removed, changed), ``sha256``, ``before`` and ``after`` (labels)."""
    old = read_as(parts, records.Snapshot, before)
    new = read_as(parts, records.Snapshot, after)
    for left, right in tables.diff(old.items, new.items, parts.store.get):
        present = left or right
        assert present is not None
        change = "changed" if left and right else ("removed" if left else "added")
        yield {
            "change": change,
            "sha256": present[0].hex(),
            "before": left[_LABEL] if left else None,
            "after": right[_LABEL] if right else None,
        }
