"""Evidence of kind ``witness``: an entry is in the tree that its issuer signed, and who cosigned that tree.

The proof is a tlog-proof (C2SP); the statement is ``{origin, size, root, cosigners}``, all of which the proof says too:
``cosigners`` are the names under the checkpoint but the log's own, sorted. That the tree is the issuer's needs no
trust; that others were shown no other tree needs witnesses whom the auditor trusts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from registry.core.errors import Untrusted
from registry.core.ipld.cid import CID
from registry.core.records import Evidence
from registry.core.tlog import checkpoint, issuer_log, merkle
from registry.core.tlog.halves import Known
from registry.core.tlog.issuer_log import MaySign, Signed
from registry.core.tlog.note import VerifierKey
from registry.core.tlog.proof import read_proof


@dataclass(frozen=True)
class Included:
    """The entry is at ``index`` in this tree; ``cosigners``: of the trusted witnesses those who cosigned, and when
    (POSIX seconds); ``known``: what the proof tells of the tree."""

    entry: CID
    index: int
    signed: Signed
    cosigners: Mapping[str, int]
    known: Known


def verify(evidence: Evidence, trusted: Sequence[VerifierKey] = (), may_sign: MaySign | None = None) -> Included:
    """What the evidence shows. ``Untrusted`` (``bad_signature``, ``bad_proof``, ``bad_statement``) or ``InvalidInput``
    where it does not show what it states, or a trusted witness's cosignature does not verify."""
    entry, proof = CID.decode(evidence.entry), read_proof(evidence.proof or b"")
    signed = issuer_log.included(evidence.proof or b"", entry, proof.index, may_sign)
    head = signed.checkpoint
    names = sorted({one.name for one in signed.note.signatures if one.name != head.origin})
    said = {"origin": head.origin, "size": head.size, "root": head.root, "cosigners": names}
    if evidence.statement != said:
        raise Untrusted("the evidence states another checkpoint than the one in its proof", code="bad_statement")
    known = merkle.known_by_inclusion(issuer_log.leaf(entry), proof.index, head.size, proof.hashes)
    return Included(entry, proof.index, signed, checkpoint.cosigners(signed.note, trusted), known)
