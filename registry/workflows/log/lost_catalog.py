"""Whether the catalog lacks entries that this home holds, because it was lost or restored from an older copy.

Invariants: read only and cheap. It compares the newest entry of each log that the home notes, and, where the catalog is
empty, looks for entries among the pins.
"""

from __future__ import annotations

from registry.catalog.queries.signed_records import entries
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import DAG_CBOR
from registry.provenance.keys.signed_heads import heads
from registry.workflows.parts import Parts

HINT = "run `emotionet catalog rebuild`."


def is_behind(parts: Parts) -> bool:
    """Whether `catalog rebuild` would find signed records that the catalog does not know."""
    known = heads(parts.settings.home)
    with parts.catalog.read() as db:
        for head in known:
            newest = entries.newest(db, head.issuer)
            if newest is None or newest[1] < head.seq:
                return True
        empty = not entries.issuers(db)
    return empty and not known and parts.settings.blocks.is_dir() and _holds_an_entry(parts)


def _holds_an_entry(parts: Parts) -> bool:
    """Whether an entry is pinned in the store, as those of snapshots and releases are."""
    from registry.core import records  # which most commands do without

    for cid in parts.store.pins():
        if cid.codec == DAG_CBOR:
            try:
                records.parse_as(records.Entry, parts.store.get(cid))
            except EmotionetError:
                continue
            return True
    return False
