"""Proofs of a chain's anchors beside a release: what they show by blocks that the auditor trusts, without a chain.

What is forged fails, whoever is trusted. A proof whose block nobody here trusts is compared with the chain where one is
asked, and is not checked otherwise.
"""

from __future__ import annotations

from registry.core import issuers, log, records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.keys.signatures import signer_of
from registry.core.log import anchor_digest
from registry.provenance.checks import times
from registry.provenance.checks.results import Failed, NotChecked
from registry.provenance.checks.target.subject import Subject
from registry.provenance.evidence.evm import verify
from registry.provenance.evidence.shown import NoTrustRoot, Shown, Trust

MOST = 64  # proofs that are looked at for a block


def publishers(subject: Subject, entry: CID) -> list[str]:
    """The addresses by which an entry may be anchored: its own key's, and those of keys that took the log over."""
    signed = log.read_entry(entry, subject.get)
    later = [one.successor for one in subject.changes_of(signed.issuer) if one.seq >= signed.seq]
    return [issuers.address_of(one) for one in dict.fromkeys([signer_of(signed), *later]) if one is not None]


def pieces(subject: Subject) -> list[tuple[CID, records.Evidence]]:
    """Evidence of a chain's anchor that has a proof."""
    return [(cid, one) for cid, one in times.evidence_at_hand(subject) if one.block is not None and one.proof]


def verified(subject: Subject, one: records.Evidence) -> Shown:
    """What a proof shows. ``NotChecked``, ``NoTrustRoot``, ``Failed`` or ``Untrusted`` where it shows nothing."""
    entry = CID.decode(one.entry)
    try:
        found = verify(one, subject.trust)
    except NoTrustRoot:
        found = _as_the_chain_says(subject, one, entry)
    if entry not in subject.entries:
        raise NotChecked(
            f"the entry that was anchored at {found.time} is not at hand, so whose anchor it is is unknown"
        )
    if found.publisher not in publishers(subject, entry):
        raise Failed(f"the proof is of an anchor by {found.publisher}, not by {subject.entries[entry].issuer}")
    return found


def _as_the_chain_says(subject: Subject, one: records.Evidence, entry: CID) -> Shown:
    """What it shows if its block is the one that the chain tells of the same anchor. ``NoTrustRoot`` where no such
    chain is asked."""
    block = one.block
    assert block is not None
    if subject.offline or subject.chain is None or entry not in subject.entries or subject.chain.chain != block.chain:
        return verify(one, subject.trust)
    found = verify(one, Trust(blocks=lambda: {(block.chain, block.block_hash)}))
    anchor = subject.chain.status(anchor_digest(entry), found.publisher)
    if anchor.status != "finalized" or anchor.proof is None or dict(anchor.proof.statement) != one.statement:
        raise Failed(f"the chain tells another anchor of entry {subject.entries[entry].seq} than the evidence")
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
