"""Why something that is held is in no catalog: a part of it came after this program.

Invariants: read only; asks nobody for blocks; tables are looked at by their headers alone, so that it takes as many
reads as there are records.
"""

from __future__ import annotations

from collections.abc import Iterable

from registry.core import records
from registry.core.errors import EmotionetError, InvalidInput, NewerVersion
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.ipld.encoding import links
from registry.core.table import tables
from registry.workflows.parts import Parts


def refuse_newer(parts: Parts, roots: Iterable[CID]) -> None:
    """``NewerVersion`` where one of ``roots``, or a record or table that they link to, came after this program.

    For callers that found nothing about the roots in the catalog, before they report that.
    """
    pending, seen = list(roots), set[CID]()
    while pending:
        cid = pending.pop()
        if cid in seen or cid.codec != DAG_CBOR:
            continue
        seen.add(cid)
        try:
            pending += _links(parts, cid)
        except NewerVersion:
            raise
        except EmotionetError:
            continue  # not held, or damaged: the caller reports what is missing


def _links(parts: Parts, cid: CID) -> list[CID]:
    """What a record links to; nothing of a table. ``InvalidInput`` for what is neither."""
    if not parts.store.has(cid):
        return []
    data = parts.store.get(cid)
    try:
        records.parse(data)
    except NewerVersion:
        raise
    except InvalidInput:
        tables.read(cid, parts.store.get)
        return []
    return links(data, cid.codec)
