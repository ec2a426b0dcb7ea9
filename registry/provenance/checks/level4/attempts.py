"""Level 4's check of attempts: counts the issuer's similar plans again, where the whole log is at hand.

A release's file has the log's entries from the plan to the release, without the records of the others. Nothing can be
counted from it, so there only the issuer states the count.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from registry.core import log, records
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID
from registry.core.text.days import days_between
from registry.provenance.attempts import attempting, count_attempts
from registry.provenance.checks.results import Check, Failed, NotChecked, guarded, run
from registry.provenance.checks.target.subject import Subject

MAX_ENTRIES = 10_000  # of a log that is walked for this
_NOT_HERE = "only the issuer states the number: the records of the log's other entries are not at hand"


class Planned(NamedTuple):
    """A plan that the log says; ``released``: a release that the log says before this one came of this entry."""

    plan: CID
    time: str
    released: bool


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this module."""
    requested = subject.is_release and guarded(partial(_is_whole, subject), True)  # more than a file of it can show
    yield run(
        "4.attempts",
        partial(attempts, subject),
        requested=requested,
    )


def attempts(subject: Subject) -> str:
    """4.attempts: count and number are possible, and those that the log gives."""
    if not subject.is_release:
        raise NotChecked("only a release has a plan")
    stated = subject.release.release.attempts
    if not 1 <= stated.number <= stated.count:
        raise Failed(f"the release states plan {stated.number} of {stated.count}, which is impossible")
    try:
        early, plans = _plans(subject)
        of = [[one.plan for one in some] for some in (plans, early)]
        found, least = (count_attempts(subject.get, some, subject.release.draw.plan) for some in of)
    except NotFound as error:
        raise NotChecked(_NOT_HERE) from error
    if stated.number != found.number or not least.count <= stated.count <= found.count:
        raise Failed(
            f"the release states plan {stated.number} of {stated.count}, the log gives {found.number} of {found.count}"
        )
    return f"plan {found.number} of {found.count}, counted in the whole log"


def _is_whole(subject: Subject) -> bool:
    try:
        return bool(_plans(subject))
    except NotFound:
        return False


def abandoned(subject: Subject) -> tuple[int, ...]:
    """The days from each earlier attempt of which no release came to this release, in the log's order. ``NotFound``
    where the log is not whole here."""
    if subject.entry is None:
        return ()
    plans, own = _plans(subject)[1], subject.release.draw.plan
    newest = log.read_entry(subject.entry, subject.get).issued_at
    same = [plans[at] for at in attempting(subject.get, [one.plan for one in plans], own)]
    before = same[: [one.plan for one in same].index(own)]
    return tuple(days_between(one.time, newest) for one in before if not one.released)


def _plans(subject: Subject) -> tuple[list[Planned], list[Planned]]:
    """The plans that the log says before the release, one an entry, in its order: those that were issued well before it
    (others may have been signed while it was made), and all. A plan that is signed again is another attempt, since its
    folds may be drawn anew. ``NotFound`` where the log is not whole here."""
    if subject.entry is None:
        raise NotFound("no signed entry for this release is at hand")
    newest = log.read_entry(subject.entry, subject.get)
    found: list[tuple[CID, CID, str]] = []
    released: set[CID] = set()
    for count, (cid, entry) in enumerate(log.walk_back(subject.entry, None, subject.get)):
        if count > MAX_ENTRIES:
            raise NotFound(f"the log has more than {MAX_ENTRIES} entries")
        record = records.parse(subject.get(entry.record))
        if isinstance(record, records.Plan):
            found.append((cid, entry.record, entry.issued_at))
        elif isinstance(record, records.Release):
            released.add(record.plan_entry)
    plans = [Planned(plan, time, cid in released) for cid, plan, time in reversed(found)]
    own = subject.release.draw.plan
    if all(one.plan != own for one in plans):
        raise Failed("no entry of the log signs the release's plan")
    return [one for one in plans if one.plan == own or log.clearly_before(one.time, newest.issued_at)], plans
