"""The two tables of a snapshot that is being taken: written, counted and listed in one pass over what was decided."""

from __future__ import annotations

from collections.abc import Iterable

from registry.catalog.index.snapshot_members import Members
from registry.core import records
from registry.core.ports.store import BlockStore
from registry.core.snapshots.snapshot import Decision
from registry.core.table.build import TableWriter
from registry.workflows.snapshots.snapshot_counts import Tally


class NewTables:
    """``items`` and ``excluded``; ``tally``: what they add up to; ``members``: their images, for the catalog."""

    def __init__(self, store: BlockStore) -> None:
        self.items = TableWriter(records.SNAPSHOT_ITEMS, store.put_own)
        self.excluded = TableWriter(records.EXCLUDED, store.put_own)
        self.tally, self.members = Tally(), Members()

    def take(self, decisions: Iterable[Decision]) -> None:
        """By rising sha256."""
        for item, left_out in decisions:
            if item is not None:
                self.items.add(item)
                self.tally.item(item)
                self.members.hold(item[0])
            if left_out is not None:
                self.excluded.add(left_out)
                self.tally.excluded(left_out)
                self.members.leave_out(left_out[0])
