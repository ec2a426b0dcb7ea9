"""What names a thing, and what a record came from and led to: answered from the catalog alone."""

from __future__ import annotations

import re
from typing import Any

from registry.catalog.database.sql import decode_cursor, encode_cursor, page_limit
from registry.catalog.queries.signed_records import entries, lineage
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.ipld.typed_cid import given
from registry.workflows.parts import Parts

_DIGEST = re.compile("((files-)?sha256:)?[0-9a-fA-F]{64}", re.ASCII)


def record_of(parts: Parts, cid: CID) -> CID:
    """A record's CID; an entry's CID is accepted wherever a record's is."""
    with parts.catalog.read() as db:
        return entries.record_of(db, cid)


def is_digest(text: str) -> bool:
    """Whether this is a sha256 in hex, as it stands alone or as tensors' digests are written."""
    return _DIGEST.fullmatch(text) is not None


def look_up(parts: Parts, text: str) -> list[dict[str, Any]]:
    """Every record that names or holds a CID or digest."""
    digest = is_digest(text)
    if not digest:
        given(text)
    with parts.catalog.read() as db:
        found = lineage.lookup(db, text)
    if not found and not digest:
        from registry.workflows.newer import refuse_newer  # with all records, which the others do without

        refuse_newer(parts, [CID.parse(text)])
    return found


_KEY = ("time", "record", "relation")  # by which ``look_up`` is in order


def look_up_page(
    parts: Parts, text: str, *, only: str | None = None, cursor: str | None = None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of ``look_up``, of records of one type or of all, and the cursor of the next page or None."""
    after = [] if cursor is None else decode_cursor(cursor, len(_KEY))
    known = [one for one in look_up(parts, text) if only in (None, one["type"])]
    left = [one for one in known if _key(one) > after][: page_limit(limit) + 1]
    return left[:limit], encode_cursor(*_key(left[limit - 1])) if len(left) > limit else None


def _key(mention: dict[str, Any]) -> list[str]:
    return [mention[name] or "" for name in _KEY]


def record_lineage(parts: Parts, cid: CID) -> dict[str, Any]:
    """What a record came from and what came from it: ``nodes`` and ``edges``."""
    with parts.catalog.read() as db:
        record = entries.record_of(db, cid)
        nodes, edges = lineage.lineage(db, record)
    known = any(node["type"] != "unknown" for node in nodes if node["cid"] == str(record))
    if record.codec == DAG_CBOR and not known:  # or its place in a log alone
        from registry.workflows.newer import refuse_newer

        refuse_newer(parts, [record])
    if not nodes:
        raise NotFound(f"{cid} is in no record of this catalog", hint="import it, or check the CID.")
    return {"nodes": nodes, "edges": edges}
