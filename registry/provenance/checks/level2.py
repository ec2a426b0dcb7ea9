"""Level 2: signatures, one issuer, and a log from plan to release without gap or fork, in the order of its times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

from registry.core import log, records
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID
from registry.core.keys.authority import after, change_of, force_before, why_revoked
from registry.core.text.cleaning import counted
from registry.provenance.checks import label_signatures as labels
from registry.provenance.checks.results import Check, Failed, NotChecked, run, some, unmade
from registry.provenance.checks.target.subject import Subject
from registry.provenance.checks.target.withdrawals import entries_that_count, signed, valid_withdrawals

OTHERS_MAY = ("contribution", "withdrawal", "audit", "keys")  # what a file may hold of another signer than the target's


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this level."""
    yield run("2.signatures", partial(signatures, subject))
    yield run("2.issuer", partial(issuer, subject))
    yield run("2.keys", partial(revoked_keys, subject))
    yield run("2.log", partial(whole_log, subject))
    yield run("2.times", partial(times, subject))
    yield run("2.withdrawals", partial(withdrawals, subject))
    yield from labels.checks(subject)
    yield from _beyond(subject)


def _beyond(subject: Subject) -> Iterator[Check]:
    """What no check looks at, because nothing in the records shows it."""
    if subject.is_release or subject.is_snapshot:
        named = (
            "only the contributions that the snapshot names were checked; the records do not show whether its "
            "query matches others"
        )
        yield unmade("2.query", named, requested=False)


def _entry(subject: Subject) -> records.Entry:
    if subject.entry is None:
        subject.check_version()
        raise NotChecked("no signed entry for this record is at hand")
    return log.read_entry(subject.entry, subject.get)


def signatures(subject: Subject) -> str:
    """2.signatures: of every entry at hand, of whomever: the target's, the plan's, the log's, others'."""
    _entry(subject)
    for cid, entry in subject.entries.items():
        log.verify_entry(entry, subject.get)
        record = subject.signed_record(entry)
        if isinstance(record, records.Keys):
            after(force_before(entry, subject.get), change_of(cid, entry, record))
    if subject.is_release:  # last: where it is missing, a wrong signature of another is found all the same
        log.read_entry(subject.plan_entry, subject.get)
    kinds = Counter(subject.signed_type(entry) for entry in subject.entries.values())
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return f"{counted(len(subject.entries), 'entry', 'entries')}: {said}"


def issuer(subject: Subject) -> str:
    """2.issuer: the entry says this record; all at hand has its issuer, but what others may say; who else signed what
    is told."""
    entry = _entry(subject)
    if entry.record != subject.record:
        raise Failed(f"entry {subject.entry} signs another record")
    if subject.issuer is not None and entry.issuer != subject.issuer:
        raise Failed(f"signed by {entry.issuer}, not by {subject.issuer}")
    if subject.is_release:
        plan = log.read_entry(subject.plan_entry, subject.get)
        if plan.issuer != entry.issuer:
            raise Failed(f"the plan was signed by {plan.issuer}, the release by {entry.issuer}")
        if plan.record != subject.release.draw.plan:
            raise Failed("the plan's entry signs another plan than the one that the draw names")
    if subject.present and subject.is_release:
        _contributions_are_theirs(subject, entry.issuer)
    others = _others(subject, entry.issuer)
    return f"{entry.issuer}; others signed {'; '.join(others)}" if others else entry.issuer


def _contributions_are_theirs(subject: Subject, mine: str) -> None:
    """``Failed`` where a release's file has a contribution of another issuer who does not say it there."""
    said = {(entry.record, entry.issuer) for entry in subject.entries.values()}
    for cid in subject.snapshot.contributions:
        issuer = records.parse_as(records.Contribution, subject.get(cid)).issuer
        if issuer != mine and (cid, issuer) not in said:
            raise Failed(f"contribution {cid} says to be of {issuer}, and no entry of that issuer says it")


def _others(subject: Subject, mine: str) -> list[str]:
    """What others signed; ``Failed`` for what only the target's issuer may sign."""
    found: Counter[tuple[str, str]] = Counter()
    for entry in subject.entries.values():
        if entry.issuer != mine:
            found[entry.issuer, subject.signed_type(entry)] += 1
    said = [f"{count} {kind} by {who}" for (who, kind), count in sorted(found.items())]
    wrong = [one for one, (_, kind) in zip(said, sorted(found), strict=True) if kind not in OTHERS_MAY]
    if wrong:
        raise Failed(f"the target was signed by {mine}, but the file also holds {some(wrong)}")
    return said


def revoked_keys(subject: Subject) -> str:
    """2.keys: no change of keys at hand revokes the target's entry or its plan's."""
    entry = _entry(subject)
    changes = subject.changes_of(entry.issuer)
    audited = [subject.entry, *([subject.plan_entry] if subject.is_release else [])]
    for cid in audited:
        assert cid is not None
        one = log.read_entry(cid, subject.get)
        change = subject.revoked(cid, one)
        if change is not None:
            raise Failed(f"entry {one.seq} does not count: {why_revoked(change)}")
    if not changes:
        return "no change of keys is at hand; whether a key was revoked since, the whole log shows"
    return f"{counted(len(changes), 'change')} of keys, none of which revokes what is audited"


def whole_log(subject: Subject) -> str:
    """2.log: from the newest entry that is known back to the plan's (or the target's own); and no two entries at hand
    have one place in a log, or follow each other wrongly."""
    _entry(subject)
    assert subject.entry is not None
    until = subject.plan_entry if subject.is_release else subject.entry
    newest = subject.newest or subject.entry
    try:
        way = [cid for cid, _ in log.walk_back(newest, until, subject.get)]
    except NotFound as error:
        raise Failed(f"an entry between the plan's and the newest one is missing: {error}") from error
    if subject.entry not in way:
        raise Failed("the target's entry is not in the log between the plan's entry and the newest one")
    _no_fork(subject, way)
    return counted(len(way), "entry", "entries")


def _no_fork(subject: Subject, way: list[CID]) -> None:
    """Of every issuer: one log, named by its first entry; one entry a place, each naming the one before where that is
    at hand. So entries between which others are missing are tied to one opening all the same."""
    places: dict[tuple[str, int], CID] = {}
    firsts: dict[str, bytes] = {}
    known = {**subject.entries, **{cid: log.read_entry(cid, subject.get) for cid in way}}
    for cid, entry in known.items():
        if firsts.setdefault(entry.issuer, log.log_of(entry, cid)) != log.log_of(entry, cid):
            raise Failed(f"the entries of {entry.issuer} name different first entries: the log forks")
        if places.setdefault((entry.issuer, entry.seq), cid) != cid:
            raise Failed(f"{entry.issuer} has two different entries {entry.seq}: the log forks")
    for entry in known.values():
        before = places.get((entry.issuer, entry.seq - 1))
        if before is None:
            continue
        if entry.prev != bytes(before):
            raise Failed(f"entry {entry.seq} of {entry.issuer} follows another entry {entry.seq - 1}: the log forks")
        log.check_successor(entry, known[before], before)
        log.check_heeds(entry, known[before], before, subject.get)


def times(subject: Subject) -> str:
    """2.times: along the log, by the issuer's own clock."""
    _entry(subject)
    for (_, older), (_, newer) in pairwise(subject.own):
        if newer.issued_at < older.issued_at:
            raise Failed(
                f"entry {newer.seq} was issued at {newer.issued_at}, before entry {older.seq}, at {older.issued_at}"
            )
    return "by the issuer's own clock" if len(subject.own) > 1 else ""


def withdrawals(subject: Subject) -> str:
    """2.withdrawals: of the target and its snapshot by their issuer; a stranger's takes nothing back and is told."""
    _entry(subject)
    count = entries_that_count(subject)
    others = [one.issuer for one in signed(subject) if one.entry not in count]
    withdrawn = [what for what, _ in valid_withdrawals(subject)] or ["rows"]
    told = f"{counted(len(count), 'withdrawal')}: {some(withdrawn)}" if count else "nothing was withdrawn"
    if not others:
        return told
    have = "1 has" if len(others) == 1 else f"{len(others)} have"
    return f"{told}; {have} no effect, because {some(sorted(set(others)))} may not withdraw it"
