"""What two snapshots do not have in common, read without what they share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.snapshots import checked_tables as snapshot_tables
from registry.core.table import tables
from registry.workflows.parts import Parts
from registry.workflows.store.read_content import read_as


def compare_snapshots(parts: Parts, before: CID, after: CID, behind: bytes | None = None) -> Iterator[dict[str, Any]]:
    """Rows ``change`` (added, removed, changed), ``sha256``, ``before`` and ``after`` (labels), by rising sha256;
    ``behind``: only of images with a greater one."""
    old = read_as(parts, records.Snapshot, before)
    new = read_as(parts, records.Snapshot, after)
    for snapshot in (old, new):
        snapshot_tables.check_heads(snapshot, parts.store.get)
    key = None if behind is None else (behind,)
    for one, other in tables.diff(old.items, new.items, parts.store.get, key):
        left = None if one is None else snapshot_tables.item(old, one)
        right = None if other is None else snapshot_tables.item(new, other)
        present = left or right
        assert present is not None
        change = "changed" if left and right else ("removed" if left else "added")
        yield {
            "change": change,
            "sha256": present["sha256"].hex(),
            "before": left["label"] if left else None,
            "after": right["label"] if right else None,
        }
