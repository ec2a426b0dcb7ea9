"""Runs the checks of the levels that were asked for, in their order; a failing one stops none of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from registry.core.errors import EmotionetError
from registry.core.log import read_entry
from registry.provenance.checks import base, level1, level2, level3, level4, level6
from registry.provenance.checks.report import UNCHECKED, Check, Report
from registry.provenance.checks.subject import Subject

DEFAULT_LEVELS = frozenset({1, 2, 3, 4, 6})
_LEVELS = {
    1: (level1.checks,),
    2: (level2.checks,),
    3: (level3.checks,),
    4: (level4.checks, base.checks),
    6: (level6.checks,),
}
_NOT_BUILT = {
    5: ("5.pixels", "preprocessing run again gives the same pixels"),
    7: ("7.predictions", "the weights run again give the predictions"),
    8: ("8.training", "a fold trained again lands within tolerance"),
}


def levels_up_to(level: int | None) -> frozenset[int]:
    """The levels that ``--level`` asks for; without it 1 to 4 and 6."""
    return DEFAULT_LEVELS if level is None else frozenset(range(1, level + 1))


def _of_level(subject: Subject, level: int) -> Iterator[Check]:
    if level in _NOT_BUILT:
        id, title = _NOT_BUILT[level]
        yield Check(id, level, title, UNCHECKED, "this version can't check it yet")
    else:
        for checks in _LEVELS[level]:
            yield from checks(subject)


def run_checks(subject: Subject, levels: Collection[int] = DEFAULT_LEVELS) -> Report:
    """All checks of ``levels``."""
    report = Report(target=str(subject.record), entry=str(subject.entry) if subject.entry else None)
    if subject.entry is not None:
        try:
            report.issuer = read_entry(subject.entry, subject.get).issuer
        except EmotionetError:
            report.issuer = None  # 2.signatures says why
    for level in sorted(levels):
        report.checks += _of_level(subject, level)
    return report
