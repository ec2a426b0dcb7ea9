"""Level 3: on a chain that the issuer named, the plan was anchored before the release, and the folds came after.

It cannot show that nobody trained in secret on other folds before, nor that there is no second identity.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from registry.core import log, records
from registry.core.anchor import Anchor, Anchors
from registry.core.cid import CID
from registry.core.errors import NotFound
from registry.core.log import anchor_digest
from registry.provenance.checks.report import Check, Doubt, Skip, equal, run
from registry.provenance.checks.subject import Subject

LIMITS = "an earlier secret training on other folds, or a second identity, can't be excluded"


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this level."""
    yield run("3.named", "the issuer's first entry names the chain and contract", partial(named, subject))
    yield run("3.order", "the plan was anchored, finally, before the release", partial(order, subject))
    yield run("3.beacon", "the folds were drawn from the plan's block", partial(beacon, subject))


def _chain(subject: Subject) -> Anchors:
    if not subject.is_release:
        raise Skip("only a release has a plan and an anchor")
    if subject.offline:
        raise Skip("offline: no chain was asked")
    if subject.chain is None:
        raise Skip("no chain is set up here, and a journal proves nothing to others: set EMOTIONET_CHAIN_RPC")
    return subject.chain


def _publisher(subject: Subject) -> str:
    assert subject.entry is not None
    return log.address_of(log.read_entry(subject.entry, subject.get).issuer)


def _anchored(subject: Subject, entry: CID) -> Anchor:
    """The final anchor that covers an entry: its own."""
    anchor = _chain(subject).status(anchor_digest(entry), _publisher(subject))
    if anchor.status != "finalized":
        raise Doubt(f"entry {entry} is {anchor.status} on {anchor.chain}, not finalized")
    return anchor


def named(subject: Subject) -> str:
    """3.named: the chain that was asked is one that the issuer's first entry names."""
    chain = _chain(subject)
    first = _first(subject)
    record = log.check_first(first, records.parse(subject.get(first.record)))
    if (chain.chain, chain.contract) not in {(name, contract) for name, contract in record.chains}:
        raise Doubt(f"the issuer did not name {chain.chain} {chain.contract}")
    return f"{chain.chain} {chain.contract}"


def _first(subject: Subject) -> records.Entry:
    """The entry that opens the issuer's log: found by walking back, or at hand and signed by the issuer itself."""
    assert subject.entry is not None
    try:
        *_, (_, first) = log.walk_back(subject.entry, None, subject.get)
    except NotFound as error:
        issuer = log.read_entry(subject.entry, subject.get).issuer
        openings = [cid for cid, entry in subject.entries() if entry.seq == 0 and entry.issuer == issuer]
        if len(openings) > 1:
            raise Doubt(f"{issuer} has two different first entries") from error
        if not openings:
            raise Skip("the issuer's first entry is not held here: fetch its log") from error
        return log.read_entry(openings[0], subject.get)
    return first


def order(subject: Subject) -> str:
    """3.order: both finalized, the plan's in an earlier block."""
    _chain(subject)
    assert subject.entry is not None
    plan = _anchored(subject, subject.release.release.plan_entry)
    release = _anchored(subject, subject.newest or subject.entry)
    if (plan.block_number or 0) >= (release.block_number or 0):
        raise Doubt(f"the plan's block {plan.block_number} does not come before the release's {release.block_number}")
    return f"plan at {plan.time}, release at {release.time}; {LIMITS}"


def beacon(subject: Subject) -> str:
    """3.beacon: the draw names the block of the plan's anchor."""
    _chain(subject)
    stated = subject.release.draw.beacon
    if stated is None:
        raise Doubt("the folds were drawn from the plan's seed alone: nothing shows that training came after")
    plan = _anchored(subject, subject.release.release.plan_entry)
    equal(
        "beacon's block",
        (stated.chain, stated.block_number, stated.block_hash),
        (plan.chain, plan.block_number, plan.block_hash),
    )
    return ""
