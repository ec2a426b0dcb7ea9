"""Level 2: signatures, one issuer, and a log from plan to release without gap or fork."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from registry.core import log, records
from registry.core.cid import CID
from registry.core.errors import NotFound
from registry.provenance.checks.report import Check, Doubt, Skip, run
from registry.provenance.checks.subject import Subject


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this level."""
    yield run("2.signatures", "every entry's signature verifies", partial(signatures, subject))
    yield run("2.issuer", "one issuer signed all of it", partial(issuer, subject))
    yield run("2.log", "the log has no gap and no fork", partial(whole_log, subject))


def _entry(subject: Subject) -> records.Entry:
    if subject.entry is None:
        raise Skip("nobody signed this here: no entry says it")
    return log.read_entry(subject.entry, subject.get)


def signatures(subject: Subject) -> str:
    """2.signatures: the target's entry, the plan's, and every entry at hand."""
    _entry(subject)
    cids = [cid for cid, _ in subject.entries()]
    if subject.is_release:
        cids.append(subject.release.release.plan_entry)
    for cid in cids:
        log.read_entry(cid, subject.get)
    return f"{len(set(cids))} entries"


def issuer(subject: Subject) -> str:
    """2.issuer: the entry says this record; plan and release have one issuer, the one who was asked for."""
    entry = _entry(subject)
    if entry.record != subject.record:
        raise Doubt(f"entry {subject.entry} says another record")
    if subject.issuer is not None and entry.issuer != subject.issuer:
        raise Doubt(f"signed by {entry.issuer}, not by {subject.issuer}")
    if subject.is_release:
        plan = log.read_entry(subject.release.release.plan_entry, subject.get)
        if plan.issuer != entry.issuer:
            raise Doubt(f"the plan was signed by {plan.issuer}, the release by {entry.issuer}")
        if plan.record != subject.release.draw.plan:
            raise Doubt("the plan's entry says another plan than the draw's")
    return entry.issuer


def whole_log(subject: Subject) -> str:
    """2.log: from the newest entry that is known back to the plan's (or the target's own)."""
    _entry(subject)
    assert subject.entry is not None
    until = subject.release.release.plan_entry if subject.is_release else subject.entry
    newest = subject.newest or subject.entry
    try:
        way = list(log.walk_back(newest, until, subject.get))
    except NotFound as error:
        raise Doubt(f"an entry on the way is missing: {error}") from error
    if subject.entry not in {cid for cid, _ in way}:
        raise Doubt("the target's entry is not on the way from the newest entry to the plan's")
    _no_fork(subject, {entry.seq: cid for cid, entry in way})
    return f"{len(way)} entries"


def _no_fork(subject: Subject, way: dict[int, CID]) -> None:
    issuer = _entry(subject).issuer
    for cid, entry in subject.entries():
        if entry.issuer == issuer and way.get(entry.seq, cid) != cid:
            raise Doubt(f"{issuer} has two different entries {entry.seq}: the log forks")
