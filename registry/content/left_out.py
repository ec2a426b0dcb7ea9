"""Whether a CAR file lacks nothing but images, as one that was made without them."""

from __future__ import annotations

from collections.abc import Sequence

from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.ipld.dag import walk_held
from registry.core.ports.store import BlockReader
from registry.core.table import tables


def images_left_out(blocks: BlockReader, roots: Sequence[CID]) -> int:
    """How many images are missing below ``roots``; 0 where anything else is missing too, or can't be read."""
    absent: list[CID] = []
    images: set[CID] = set()
    try:
        for cid in walk_held(blocks, roots, absent):
            images |= _images(blocks, cid)
    except EmotionetError:
        return 0
    return len(absent) if images.issuperset(absent) else 0


def _images(blocks: BlockReader, cid: CID) -> set[CID]:
    """Of the snapshot that a block holds; none of any other block."""
    try:
        record = records.parse(blocks.get(cid)) if cid.codec == DAG_CBOR else None
    except EmotionetError:
        return set()
    if not isinstance(record, records.Snapshot):
        return set()
    return {row["image"] for row in tables.rows_as_dicts(record.items, blocks.get) if isinstance(row["image"], CID)}
