"""Runs the checks of the levels that were asked for, in their order; a failing one stops none of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import partial

from msgspec import structs

from registry.core.text.cleaning import counted
from registry.evaluation.facts import Facts
from registry.provenance.checks import level1, level2, level3, level7, level8
from registry.provenance.checks.level4 import attempts, base_weights, folds, items, plan
from registry.provenance.checks.level5 import pixels, rights
from registry.provenance.checks.level6 import card, figures, weights
from registry.provenance.checks.report import Report
from registry.provenance.checks.results import Check, guarded, unmade
from registry.provenance.checks.target.subject import Subject
from registry.provenance.checks.target.withdrawals import taken_back
from registry.provenance.verdict_facts import people, release_facts

DEFAULT_LEVELS = frozenset({1, 2, 3, 4, 6})
MAX_LEVEL = 8
_LEVELS = {
    1: (level1.checks,),
    2: (level2.checks,),
    3: (level3.checks,),
    4: (items.checks, plan.checks, folds.checks, base_weights.checks, attempts.checks),
    5: (pixels.checks, rights.checks),
    6: (figures.checks, card.checks, weights.checks),
    7: (level7.checks,),
    8: (level8.checks,),
}
_DEEP = {  # told one by one where nobody asked for them
    5: ("5.pixels", "5.dropped", "5.rights"),
    7: ("7.predictions",),
    8: ("8.training",),
}


def levels_up_to(level: int | None) -> frozenset[int]:
    """The levels that ``--level`` asks for; without it 1 to 4 and 6."""
    return DEFAULT_LEVELS if level is None else frozenset(range(1, level + 1))


def _of_level(subject: Subject, level: int, requested: bool) -> Iterator[Check]:
    if requested:
        for checks in _LEVELS[level]:
            yield from checks(subject)
    elif level in _DEEP:
        for id in _DEEP[level]:
            more = guarded(partial(_dropped, subject), "") if id == "5.dropped" and subject.is_release else ""
            yield unmade(id, f"not asked for: --level {level}{more}", requested=False)
    else:
        yield unmade(f"{level}.all", "not asked for", requested=requested)


def not_made(reason: str) -> list[Check]:
    """What stands in a report of which nothing could be checked but level 1's first: every other level, and why."""
    return [unmade(f"{level}.all", reason, requested=False) for level in range(2, MAX_LEVEL + 1)]


def _dropped(subject: Subject) -> str:
    """What cleaning is said to have dropped."""
    reasons = Counter(str(row["reason"]) for row in subject.rows(subject.release.preprocessing.output))
    del reasons["None"]
    said = ", ".join(f"{count} {reason[:40]}" for reason, count in sorted(reasons.items())[:10])
    count = counted(sum(reasons.values()), "dropped image")
    return f"; the record lists {count}{': ' + said if said else ''}"


OnCheck = Callable[[Check], None]


def ignore_check(_: Check) -> None:
    """For whoever waits for the whole report."""


def run_checks(subject: Subject, levels: Collection[int] = DEFAULT_LEVELS, on_check: OnCheck = ignore_check) -> Report:
    """All checks of ``levels``, and what was not asked for, as not checked. ``on_check`` gets each check as it is
    made; what it raises ends the audit."""
    report = Report(
        target=str(subject.record),
        type=guarded(lambda: subject.type, None),
        issuer=guarded(lambda: subject.signer, None),
        entry=str(subject.entry) if subject.entry else None,
    )
    for level in range(1, MAX_LEVEL + 1):
        for check in _of_level(subject, level, level in levels):
            report.checks.append(check)
            on_check(check)
    if subject.deep is not None and subject.deep.drawn:
        report.sample = subject.deep.sample
    report.withdrawn = guarded(partial(taken_back, subject), [])
    report.facts = guarded(partial(_facts, subject, report.withdrawn), Facts())
    return report


def _facts(subject: Subject, withdrawn: list[dict[str, str]]) -> Facts:
    """Of what the verdict is made; of what is no release its withdrawal alone."""
    if not subject.is_release:
        return Facts(withdrawn=any(one["what"] == subject.type for one in withdrawn))
    found = guarded(lambda: people(subject.release, subject.get), None)
    facts = release_facts(subject.release, found, withdrawn)
    none: tuple[int, ...] = ()
    return structs.replace(facts, abandoned=guarded(lambda: attempts.abandoned(subject), none))
