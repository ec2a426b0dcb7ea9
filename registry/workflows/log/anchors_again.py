"""Ask the chain for the anchors of a log whose evidence is not at hand: it lies beside a log, and no entry names it.

Invariant: evidence is made of what the chain says alone, so it is the same, byte for byte, as what was made when the
entry was anchored.
"""

from __future__ import annotations

from registry.catalog.queries.signed_records import entries
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.issuers import address_of
from registry.workflows.log.anchoring import put_evidence
from registry.workflows.parts import Parts


def anchors_again(parts: Parts, issuer: str) -> list[CID]:
    """Put the evidence of every final anchor of the issuer's known entries into store and catalog; its CIDs.

    ``Unavailable`` where the chain can't be asked.
    """
    address, found = address_of(issuer), list[CID]()
    for digest in parts.anchors.anchored_by(address):
        entry = CID.v1(DAG_CBOR, digest)
        with parts.catalog.read() as db:
            known = entries.issuer_of(db, entry) == issuer
        made = put_evidence(parts, entry, parts.anchors.status(digest, address)) if known else None
        found += [made] if made is not None else []
    return found
