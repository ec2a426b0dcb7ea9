"""Proofs of a chain's anchors beside a release: what they show by blocks that the auditor trusts, without a chain.

What is forged fails, whoever is trusted. A proof whose block nobody here trusts is compared with the chain where one is
asked, and is not checked otherwise.
"""

from __future__ import annotations

from registry.core import issuers, records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.log import anchor_digest
from registry.provenance.checks import times
from registry.provenance.checks.results import Failed, NotChecked
from registry.provenance.checks.target.subject import Subject
from registry.provenance.evidence.evm import verify
from registry.provenance.evidence.shown import NoTrustRoot, Shown, Trust

MOST = 64  # proofs that are looked at for a block


def pieces(subject: Subject) -> list[tuple[CID, records.Evidence]]:
    """Evidence of a chain's anchor that has a proof."""
    return [(cid, one) for cid, one in times.evidence_at_hand(subject) if one.block is not None and one.proof]


def verified(subject: Subject, one: records.Evidence) -> Shown:
    """What a proof shows. ``NotChecked``, ``NoTrustRoot``, ``Failed`` or ``Untrusted`` where it shows nothing."""
    entry = subject.entries.get(CID.decode(one.entry))
    try:
        found = verify(one, subject.trust)
    except NoTrustRoot:
        found = _as_the_chain_says(subject, one, entry)
    if entry is None:
        raise NotChecked(
            f"the entry that was anchored at {found.time} is not at hand, so whose anchor it is is unknown"
        )
    if found.publisher != issuers.address_of(entry.issuer):
        raise Failed(f"the proof is of an anchor by {found.publisher}, not by {entry.issuer}")
    return found


def _as_the_chain_says(subject: Subject, one: records.Evidence, entry: records.Entry | None) -> Shown:
    """What it shows if its block is the one that the chain tells of the same anchor. Raises ``NoTrustRoot`` again
    where no chain is asked."""
    block = one.block
    assert block is not None
    here = Trust(blocks=lambda: {(block.chain, block.block_hash)})
    found = verify(one, here)
    if subject.offline or subject.chain is None or entry is None or subject.chain.chain != block.chain:
        return verify(one, subject.trust)
    digest = anchor_digest(CID.decode(one.entry))
    anchor = subject.chain.status(digest, issuers.address_of(entry.issuer))
    if anchor.status != "finalized" or anchor.proof is None or dict(anchor.proof.statement) != one.statement:
        raise Failed(f"the chain tells another anchor of entry {entry.seq} than the evidence")
    return found


def block_of(subject: Subject, entry: CID) -> records.Block | None:
    """The block that anchored an entry, by a proof and a block that the auditor trusts; None where none shows it."""
    for cid, one in pieces(subject)[:MOST]:
        if cid == entry:
            try:
                verified(subject, one)
            except (NotChecked, Failed, EmotionetError):  # 3.evidence says so
                continue
            return one.block
    return None
