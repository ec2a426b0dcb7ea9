"""Level 3: on a chain that the issuer named, the plan was anchored before the release, and the folds came after.

Contradictions between records and evidence are found without a chain; only a chain can confirm them. No check can
exclude an earlier, secret training on other folds, or a second identity of the issuer.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product

from registry.core import log, records
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID
from registry.core.log import anchor_digest
from registry.core.ports.anchor import Anchors, evidence_of
from registry.provenance.checks import chain_proofs, drand, stamps, times, witnessed
from registry.provenance.checks.results import Check, Failed, NotChecked, equal, run
from registry.provenance.checks.target.subject import Subject

LIMITS = "this can't exclude an earlier, secret training on other folds, or a second identity of the issuer"


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this level."""
    yield run("3.named", partial(named, subject))
    yield run("3.order", partial(order, subject))
    yield run("3.beacon", partial(beacon, subject))
    yield from drand.checks(subject)
    yield from times.checks(subject)
    yield from stamps.checks(subject)
    yield from witnessed.checks(subject)


def _release(subject: Subject) -> None:
    if not subject.is_release:
        raise NotChecked("only a release has a plan and an anchor")
    if subject.entry is None:
        raise NotChecked("no signed entry for this record is at hand, so there is nothing to anchor")


def _chain(subject: Subject) -> Anchors:
    _release(subject)
    if subject.offline:
        raise NotChecked("the audit ran offline and asked no chain")
    if subject.chain is None:
        raise NotChecked(
            "no chain is configured, and a local journal proves nothing to others: "
            "set EMOTIONET_CHAIN_RPC and EMOTIONET_CHAIN_CONTRACT"
        )
    return subject.chain


def _anchored(subject: Subject, entry: CID) -> records.Block:
    """The block of the final anchor that covers an entry: its own. Where no chain is asked, as a proof shows it."""
    proven = chain_proofs.block_of(subject, entry) if subject.offline or subject.chain is None else None
    if proven is not None:
        return proven
    chain = _chain(subject)
    found = [chain.status(anchor_digest(entry), who) for who in chain_proofs.publishers(subject, entry)]
    anchor = next((one for one in found if one.status == "finalized"), found[0])
    if anchor.status != "finalized":
        raise Failed(f"entry {entry} is {anchor.status} on {anchor.chain}, not finalized")
    block = evidence_of(entry, anchor).block
    if block is None:
        raise NotChecked(f"{anchor.chain} has no blocks: this version can't check its anchors")
    return block


def named(subject: Subject) -> str:
    """3.named: the first entry opens the log as it must; the chain that was asked, and every one that evidence or the
    beacon states, is one that it names."""
    if subject.entry is None:
        raise NotChecked("no signed entry for this record is at hand, so its log is unknown")
    first = _first(subject)
    chains = set(log.check_first(first, records.parse(subject.get(first.record))).chains)
    _release(subject)
    stated = [*(one for _, one in times.blocks_of(subject)), *times.beacon_blocks(subject)]
    claimed = {(one.chain, one.contract) for one in stated}
    for chain, contract in sorted(claimed - chains):
        raise Failed(f"an anchor is stated on {chain} {contract}, which the issuer's first entry does not name")
    if not claimed or not subject.offline:
        online = _chain(subject)
        if (online.chain, online.contract) not in chains:
            raise Failed(f"the issuer's first entry does not name {online.chain} {online.contract}")
        claimed.add((online.chain, online.contract or ""))
    return ", ".join(f"{chain} {contract}" for chain, contract in sorted(claimed))


def _first(subject: Subject) -> records.Entry:
    """The entry that opens the issuer's log, which every entry of it names."""
    assert subject.entry is not None
    entry = log.read_entry(subject.entry, subject.get)
    try:
        first = entry if entry.log is None else log.read_entry(CID.decode(entry.log), subject.get)
    except NotFound as error:
        raise NotChecked("the issuer's first entry is not at hand: fetch the log") from error
    if first.issuer != entry.issuer:
        raise Failed(f"the entry of {entry.issuer} names the first entry of {first.issuer}")
    return first


def _newest_in_a_block(subject: Subject, anchored: set[CID]) -> CID:
    """The newest entry from the release's on that evidence puts into a block: others may be stamped alone."""
    assert subject.entry is not None
    covering = [cid for cid in stamps.from_the_release_on(subject) if cid in anchored]
    return covering[-1] if covering else subject.newest or subject.entry


def order(subject: Subject) -> str:
    """3.order: both finalized, the plan's in an earlier block, or without a chain both stamped, the plan earlier.
    Evidence that says otherwise needs no chain."""
    _release(subject)
    assert subject.entry is not None
    evidence = times.blocks_of(subject)
    newest = _newest_in_a_block(subject, {cid for cid, _ in evidence})
    plans = [one.block_number for cid, one in evidence if cid == subject.plan_entry]
    own = [one.block_number for cid, one in evidence if cid == newest]
    plans += [one.block_number for one in times.beacon_blocks(subject)]
    if plans and own and max(plans) >= min(own):
        raise Failed(f"the plan's block {max(plans)} does not come before the release's {min(own)}")
    by_stamps = stamps.order(subject)
    if by_stamps is not None and (subject.offline or subject.chain is None or not plans):
        return f"{by_stamps}; {LIMITS}"
    plan = _anchored(subject, subject.plan_entry)
    release = _anchored(subject, newest)
    if plan.block_number >= release.block_number:
        raise Failed(f"the plan's block {plan.block_number} does not come before the release's {release.block_number}")
    return f"plan at {plan.time}, release at {release.time}; {LIMITS}"


def beacon(subject: Subject) -> str:
    """3.beacon: the draw names the block of the plan's anchor, as the evidence at hand says, and the chain."""
    _release(subject)
    if not subject.release.draw.beacons:
        _chain(subject)
        raise Failed(
            "the folds were drawn from the plan's seed alone: nothing shows that the training came after the plan"
        )
    stated, plan_entry = times.beacon_blocks(subject), subject.plan_entry
    if not stated:
        raise NotChecked("the folds were not drawn from a block: see 3.drand")
    evidence = [one for cid, one in times.blocks_of(subject) if cid == plan_entry]
    if not evidence:
        raise Failed("the draw states a block, but no evidence of the plan's anchor is at hand")
    for block, one in product(stated, evidence):
        equal("beacon's block", block.place, one.place)
    for block in stated:
        equal("beacon's block", block.place, _anchored(subject, plan_entry).place)
    return ""
