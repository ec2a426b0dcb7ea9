"""Keep beside releases the evidence that they, and their plans, are in the tree that their issuer signed.

Invariant: evidence of kind ``witness`` of an entry is made once for each number of cosigners that its checkpoint got.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from registry.catalog.index import indexing
from registry.catalog.queries.signed_records import entries, releases
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.log import Signer
from registry.core.tlog.issuer_log import Signed
from registry.workflows.log.append import put_record
from registry.workflows.log.checkpoints import leaves, prove
from registry.workflows.log.witnesses import publish_checkpoint
from registry.workflows.parts import Parts

_log = logging.getLogger(__name__)


def keep_inclusion(parts: Parts, signed: Signed, wanted: Iterable[CID]) -> list[CID]:
    """Put evidence that these entries are in this checkpoint's tree into store and catalog, where none with as many
    cosigners is there."""
    made: list[CID] = []
    hashes: list[bytes] | None = None
    cosigners = sorted({one.name for one in signed.note.signatures if one.name != signed.checkpoint.origin})
    for entry in wanted:
        known = [len(one.statement.get("cosigners", ())) for one in _inclusions(parts, entry)]
        if not known or max(known) < len(cosigners):
            head = signed.checkpoint
            hashes = leaves(parts, signed.issuer, 0, head.size) if hashes is None else hashes
            _, proof = prove(parts, signed, entry, hashes)
            statement = {"origin": head.origin, "size": head.size, "root": head.root, "cosigners": cosigners}
            evidence = records.Evidence(
                entry=bytes(entry), kind=records.WITNESS, statement=statement, proof=bytes(proof)
            )
            made.append(put_record(parts, evidence))
    parts.store.flush()
    with parts.catalog.write() as db:
        for cid in made:
            indexing.index_evidence(db, cid, parts.store.get)
    return made


def _inclusions(parts: Parts, entry: CID) -> list[records.Evidence]:
    """Evidence of this kind of an entry itself that is held."""
    with parts.catalog.read() as db:
        rows = [
            one
            for one in entries.evidence_for(db, entry)
            if (one["kind"], one["entry"]) == (records.WITNESS, str(entry))
        ]
    cids = [CID.parse(one["cid"]) for one in rows]
    return [records.parse_as(records.Evidence, parts.store.get(cid)) for cid in cids if parts.store.has(cid)]


def keep_releases_included(parts: Parts, signed: Signed) -> list[CID]:
    """The same of every release of this issuer and its plan."""
    with parts.catalog.read() as db:
        wanted = releases.entries_with_plans(db, signed.issuer)
    return keep_inclusion(parts, signed, dict.fromkeys(cid for pair in wanted for cid in pair))


def include_release(parts: Parts, signer: Signer, release: CID, plan: CID) -> None:
    """A checkpoint of the log with this release in it, cosigned by the witnesses that answer, and its evidence. What
    goes wrong is logged: the release is published all the same, and `emotionet log publish-checkpoint` does it again.
    """
    try:
        signed, told = publish_checkpoint(parts, signer)
        for one in told:
            if not one["cosigned"]:
                _log.warning("the witness %s did not cosign: %s", one["witness"], one["reason"])
        keep_inclusion(parts, signed, [plan, release])
    except EmotionetError as error:
        _log.warning("no checkpoint of the log was kept with the release %s: %s", release, error)
