"""Level 3's checks of times: plan, draw, trainings, release and anchors must follow each other in this order.

Times of the issuer's own clock (when an entry was issued, when a training began and ended) prove nothing to others, and
the reasons say so. They must still not contradict the process or a chain's clock. Clocks of different machines may
differ by ``registry.core.log.SKEW``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise, product

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.log import clearly_before
from registry.provenance.checks import drand
from registry.provenance.checks.results import Check, Failed, NotChecked, run
from registry.provenance.checks.target.subject import Subject

OWN_CLOCK = "by the issuer's own clock, which proves nothing to others"


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this kind."""
    yield run("3.planned", partial(planned, subject))
    yield run("3.drawn", partial(drawn, subject))
    yield run("3.trained", partial(trained, subject))
    yield run("3.issued", partial(issued, subject))
    yield run("3.anchored", partial(anchored, subject))


def evidence_at_hand(subject: Subject) -> list[tuple[CID, records.Evidence]]:
    """All evidence at hand, of whatever kind, with the entry that each names. ``InvalidInput`` where it names none."""
    found = [records.parse_as(records.Evidence, subject.get(cid)) for cid in subject.evidence]
    return [(CID.decode(one.entry), one) for one in found]


def blocks_of(subject: Subject) -> list[tuple[CID, records.Block]]:
    """The blocks that evidence at hand states, with the entry of each."""
    return [(cid, one.block) for cid, one in evidence_at_hand(subject) if one.block is not None]


def beacon_blocks(subject: Subject) -> list[records.EvmBlock]:
    """The blocks that drew the folds."""
    return [one for one in subject.release.draw.beacons if isinstance(one, records.EvmBlock)]


def _entries(subject: Subject) -> tuple[records.Entry, records.Entry]:
    """The plan's and the release's."""
    if not subject.is_release:
        raise NotChecked("only a release has a plan and trainings")
    if subject.entry is None:
        raise NotChecked("no signed entry for this record is at hand, so no time is known")
    plan, release = (records.parse_as(records.Entry, subject.get(cid)) for cid in (subject.plan_entry, subject.entry))
    return plan, release


def planned(subject: Subject) -> str:
    """3.planned: by the entry of the plan and the beginning that each training states."""
    plan, _ = _entries(subject)
    for training in subject.release.trainings:
        if clearly_before(training.started, plan.issued_at):
            raise Failed(
                f"the training of fold {training.fold} began at {training.started}, but its plan was issued at "
                f"{plan.issued_at}"
            )
    return OWN_CLOCK


def drawn(subject: Subject) -> str:
    """3.drawn: by the time of the beacon's block, and of the drand rounds of networks that are known here."""
    _entries(subject)
    drew = [("block", one.time) for one in beacon_blocks(subject)]
    drew += [("drand round", one) for one in drand.times(subject)]
    if not drew:
        raise NotChecked("the folds were not drawn from a block, so no block gives a time")
    for training, (what, time) in product(subject.release.trainings, drew):
        if clearly_before(training.started, time):
            raise Failed(
                f"the training of fold {training.fold} began at {training.started}, but the {what} that drew its "
                f"folds is of {time}"
            )
    return "trainings " + OWN_CLOCK


def trained(subject: Subject) -> str:
    """3.trained: each training by itself."""
    _entries(subject)
    for training in subject.release.trainings:
        if training.ended < training.started:
            raise Failed(
                f"the training of fold {training.fold} began at {training.started} and ended at {training.ended}"
            )
    return OWN_CLOCK


def issued(subject: Subject) -> str:
    """3.issued: the release's entry against the plan's and the end of each training."""
    plan, release = _entries(subject)
    if release.issued_at < plan.issued_at:
        raise Failed(f"the release was issued at {release.issued_at}, but its plan at {plan.issued_at}")
    for training in subject.release.trainings:
        if clearly_before(release.issued_at, training.ended):
            raise Failed(
                f"the release was issued at {release.issued_at}, but the training of fold {training.fold} ended at "
                f"{training.ended}"
            )
    return OWN_CLOCK


def anchored(subject: Subject) -> str:
    """3.anchored: every evidence's block, and the beacon's, against the entry that is in it; and blocks of one chain
    against each other."""
    plan, _ = _entries(subject)
    found, drew = blocks_of(subject), beacon_blocks(subject)
    said = [(subject.entries[cid], one.time) for cid, one in found if cid in subject.entries]
    said += [(plan, one.time) for one in drew]
    if not said:
        raise NotChecked("no anchor is at hand")
    for entry, time in said:
        if clearly_before(time, entry.issued_at):
            raise Failed(f"entry {entry.seq} was issued at {entry.issued_at}, but the block of its anchor is of {time}")
    _blocks_in_order([*(one for _, one in found), *drew])
    return f"{len(said)} anchors; entries {OWN_CLOCK}"


def _blocks_in_order(blocks: list[records.Block]) -> None:
    ordered = sorted(blocks, key=lambda one: (one.chain, one.block_number))
    for one, other in pairwise(ordered):
        if one.chain != other.chain:
            continue
        same = one.block_number == other.block_number
        if other.time < one.time or (same and (one.block_hash, one.time) != (other.block_hash, other.time)):
            raise Failed(f"blocks {one.block_number} and {other.block_number} of {one.chain} contradict each other")
