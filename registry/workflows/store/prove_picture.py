"""Proofs for contributors: whether a picture is in what this registry holds, each in a file that checks by itself.

Invariant: what is written was verified as whoever gets it will.
"""

from __future__ import annotations

from collections.abc import Sequence

from registry.catalog.queries.signed_records import entries, releases
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.core.unusable import refuse_unusable
from registry.provenance.picture_proof import make_proof, verify_proof
from registry.workflows.parts import Parts

PAGE = 1000


def prove(parts: Parts, image: bytes, records: Sequence[CID]) -> bytes:
    """One file about these snapshots and releases (or their entries). ``NotFound`` where nobody signed one;
    ``InvalidInput`` (``proof_too_large``)."""
    with refuse_unusable():
        data = make_proof(parts.store.get, image, [_entry(parts, cid) for cid in records])
        verify_proof(data)
    return data


def prove_each(parts: Parts, image: bytes, records: Sequence[CID]) -> list[bytes]:
    """The same in as few files as the limit allows, in this order."""
    try:
        return [prove(parts, image, records)] if records else []
    except InvalidInput as error:
        if error.code != "proof_too_large" or len(records) == 1:
            raise
    half = len(records) // 2
    return [*prove_each(parts, image, records[:half]), *prove_each(parts, image, records[half:])]


def releases_of(parts: Parts, issuer: str) -> list[CID]:
    """Every release of an issuer that is known here, the newest first."""
    found: list[CID] = []
    cursor = None
    with parts.catalog.read() as db:
        while True:
            page, cursor = releases.list_releases(db, cursor=cursor, limit=PAGE)
            found += [CID.parse(one["cid"]) for one in page if one["issuer"] == issuer]
            if cursor is None:
                return found


def _entry(parts: Parts, cid: CID) -> CID:
    with parts.catalog.read() as db:
        record = entries.record_of(db, cid)
        entry = cid if record != cid else entries.entry_of(db, cid, None)
    if entry is None:
        raise NotFound(f"{cid} is signed by no entry that is known here", hint="prove a signed snapshot or release.")
    return entry
