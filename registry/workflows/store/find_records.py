"""What names a thing, and what a record came from and led to: answered from the catalog alone."""

from __future__ import annotations

import re
from typing import Any

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


def look_up(parts: Parts, text: str, *, only: str | None = None) -> list[dict[str, Any]]:
    """Every record (of one type, or of all) that names or holds a CID or digest."""
    _check(text)
    with parts.catalog.read() as db:
        found = lineage.lookup(db, text, only=only)
    if not found:
        _refuse_newer(parts, text)
    return found


def look_up_page(
    parts: Parts, text: str, *, only: str | None = None, cursor: str | None = None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of ``look_up``, and the cursor of the next page or None."""
    _check(text)
    with parts.catalog.read() as db:
        found, following = lineage.lookup_page(db, text, only=only, cursor=cursor, limit=limit)
    if not found:
        _refuse_newer(parts, text)
    return found, following


def _check(text: str) -> None:
    if not is_digest(text):
        given(text)


def _refuse_newer(parts: Parts, text: str) -> None:
    """Refuse a record of a newer format, of which nothing is known here for that reason."""
    if is_digest(text):
        return
    with parts.catalog.read() as db:
        known = lineage.is_mentioned(db, text)
    if not known:
        from registry.workflows.newer import refuse_newer  # with all records, which the others do without

        refuse_newer(parts, [CID.parse(text)])


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
