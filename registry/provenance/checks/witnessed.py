"""Level 3's checks of the log as a tree: its issuer signed one with plan and release in it, and witnesses whom the
auditor trusts cosigned it.

They are made where such evidence is at hand. A tree that nobody cosigned could be shown to this auditor alone.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from registry.core import log, records
from registry.core.errors import EmotionetError
from registry.core.issuers import address_of, address_of_key
from registry.core.text.cleaning import counted
from registry.core.tlog.halves import Known, first_contradiction, known_by_entry
from registry.provenance.checks import times
from registry.provenance.checks.results import Check, Failed, NotChecked, guarded, once, run
from registry.provenance.checks.target.subject import Subject
from registry.provenance.evidence import witness
from registry.provenance.evidence.witness import Included

Found = Callable[[], list[Included]]


def checks(subject: Subject) -> Iterator[Check]:
    """3.included and 3.witnesses, where there is evidence of this kind."""
    if guarded(lambda: any(one.kind == records.WITNESS for _, one in times.evidence_at_hand(subject)), True):
        found = once(partial(_verified, subject))
        yield run("3.included", partial(included, subject, found))
        yield run(
            "3.witnesses",
            partial(witnesses, subject, found),
            requested=guarded(lambda: bool(subject.trust.witnesses()), True),
        )


def _verified(subject: Subject) -> list[Included]:
    """All evidence of this kind, each verified, and fitting the entries at hand and each other."""
    signers = {(one.issuer, address_of_key(one.key)) for one in subject.entries.values()}
    found: list[Included] = []
    for cid, one in times.evidence_at_hand(subject):
        if one.kind == records.WITNESS:
            shown = witness.verify(one, subject.trust.witnesses(), partial(_may_sign, signers))
            entry = subject.entries.get(cid)
            if entry is not None and (shown.signed.issuer, shown.index) != (entry.issuer, entry.seq):
                raise Failed(f"the proof is of entry {shown.index} of {shown.signed.issuer}, not of {cid}")
            found.append(shown)
    _one_log(subject, found)
    return found


def _may_sign(signers: set[tuple[str, str]], issuer: str, address: str) -> bool:
    """The issuer's first key, and those that signed entries at hand in its name (which 2.signatures verifies)."""
    return address == address_of(issuer) or (issuer, address) in signers


def _one_log(subject: Subject, found: list[Included]) -> None:
    """``Failed`` where what the issuer signed is not of one log: two trees, or a tree and an entry. Of trees of
    different sizes that is told as far as the proofs at hand know the same entries."""
    for issuer in sorted({one.signed.issuer for one in found}):
        trees = [
            (f"a tree of {one.signed.checkpoint.size} entries with {one.entry} as entry {one.index}", one.known)
            for one in found
            if one.signed.issuer == issuer
        ]
        apart = first_contradiction([*trees, *_entries(subject, issuer, {at for _, known in trees for at in known})])
        if apart is not None:
            one, other, (start, count) = apart
            where = f"entry {start}" if count == 1 else f"entries {start} to {start + count - 1}"
            raise Failed(
                f"{issuer} signed {one} and {other}, which differ in {where}: the log forks "
                "(`emotionet log equivocation FILE` writes both as evidence)"
            )


def _entries(subject: Subject, issuer: str, known: Container[tuple[int, int]]) -> Iterator[tuple[str, Known]]:
    """The issuer's entries at hand of whose places something is known, as far as their signatures verify."""
    for cid, entry in subject.entries.items():
        if entry.issuer == issuer and ((entry.seq, 1) in known or (entry.seq - 1, 1) in known):
            with suppress(EmotionetError):  # 2.signatures says why
                log.verify_entry(entry, subject.get)
                yield f"entry {entry.seq} ({cid})", known_by_entry(cid, entry)


def _of_target(subject: Subject, found: Found) -> list[list[Included]]:
    """What shows that the release, and its plan, are in a tree. ``NotChecked`` where nothing does of one of them."""
    if subject.entry is None:
        raise NotChecked("no signed entry for this record is at hand")
    wanted = {"target": subject.entry, **({"plan": subject.plan_entry} if subject.is_release else {})}
    shown = found()
    of = {name: [one for one in shown if one.entry == cid] for name, cid in wanted.items()}
    missing = [name for name, ones in of.items() if not ones]
    if missing:
        raise NotChecked(f"no proof of the {' and the '.join(missing)} in a tree is at hand")
    return list(of.values())


def included(subject: Subject, found: Found) -> str:
    """3.included: by each proof at hand, all signed by the issuer; and nothing else that it signed contradicts them."""
    sizes = sorted({one.signed.checkpoint.size for ones in _of_target(subject, found) for one in ones})
    return f"in the issuer's tree of {' and '.join(map(str, sizes))} entries"


def witnesses(subject: Subject, found: Found) -> str:
    """3.witnesses: those who cosigned a tree with the release, and one with its plan."""
    trusted = subject.trust.witnesses()
    if not trusted:
        raise NotChecked("no witness is trusted here: EMOTIONET_WITNESSES names none")
    by = [{key: at for one in ones for key, at in one.cosigners.items()} for ones in _of_target(subject, found)]
    both, of = sorted(set(by[0]).intersection(*by[1:])), counted(len(trusted), "trusted witness", "trusted witnesses")
    if not both:
        raise NotChecked(f"none of {of} cosigned")
    names = ", ".join(f"{key.partition('+')[0]} at {_time(max(one[key] for one in by))}" for key in both)
    return f"{len(both)} of {of} cosigned: {names}"


def _time(at: int) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OSError, OverflowError):
        raise Failed("a witness cosigned at a time that is none") from None
