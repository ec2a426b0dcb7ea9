"""Checks a stranger's records before a page shows them: numbers are numbers, tables have the right shape.

Invariant: all that a page reads from a stranger's records is looked at here, and nothing is drawn here, so that
whatever fails later is a defect of ours and ends as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from msgspec import structs

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.run_view import ReleaseView
from registry.core.table import tables
from registry.core.unusable import refuse_unusable

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)
_WORDS = frozenset({"name", "metric", "of", "group", "label", "reason", "comparator", "verdict"})
# what else is text in a figure is a decimal
_FAR = 1 << 40  # hundredths of a pixel


def check_presentable(view: ReleaseView, get: Any, items: Iterable[Mapping[str, Any]]) -> None:
    """``InvalidInput`` (``bad_evaluation``) unless a release's page can show what its records state.

    ``items`` are the rows of its snapshot.
    """
    check_figures(view)
    check_drawable(view, get)
    with refuse_unusable():
        for row in items:
            _kinds((row["sha256"], bytes), (row["image"], CID), (row["label"], str | None), (row["attributes"], dict))
        for row in tables.rows_as_dicts(view.snapshot.excluded, get):
            _kinds((row["reason"], str))
        for row in tables.rows_as_dicts(view.preprocessing.output, get):
            _kinds((row["sha256"], bytes), (row["reason"], str | None), (row["measured"], str | None))
            _kinds((row["width"], int), (row["height"], int))
        _predictions(view, get)


def check_figures(view: ReleaseView) -> None:
    """``InvalidInput`` (``bad_evaluation``) unless every number of the evaluation, and of the claims, is one."""
    check_evaluation(view.evaluation)
    with refuse_unusable():
        for part in view.release.claims:
            _numbers(value for name, value in structs.asdict(part).items() if name not in _WORDS)


def check_evaluation(found: records.Evaluation) -> None:
    """The same of an evaluation alone."""
    with refuse_unusable():
        several = (found.metrics, *found.per_fold, found.fairness, found.tests, found.optimistic, found.spread)
        for part in chain(*several, found.unseen, found.seen, found.overfitting, found.verdicts):
            _numbers(value for name, value in structs.asdict(part).items() if name not in _WORDS)
        _numbers(found.thresholds)
        _demand(len(found.several) == len(found.confusion), "a count a class")


def check_drawable(view: ReleaseView, get: Any) -> None:
    """``InvalidInput`` (``bad_evaluation``) unless the confusion matrix and the curves can be drawn."""
    with refuse_unusable():
        classes, counts = len(view.snapshot.classes), view.evaluation.confusion
        whole = len(counts) in (classes, classes + 1) and all(
            len(row) == classes + 1 and min(row) >= 0 for row in counts
        )
        _demand(whole, "a matrix of classes by classes and nothing")
        for row in tables.rows_as_dicts(view.evaluation.curves, get):
            _kinds((row["name"], str))
            bins = row["name"] == "reliability(all)"
            for point in row["points"]:
                _points(point, 3 if bins else 2)
                _demand(not bins or int(point[2]) > 0, "a bin of some images")


def _predictions(view: ReleaseView, get: Any) -> None:
    """Classes and folds that there are, boxes of four numbers."""
    classes, folds = len(view.snapshot.classes), len(view.evaluation.thresholds)
    for row in tables.rows_as_dicts(view.evaluation.predictions, get):
        _kinds((row["sha256"], bytes), (row["fold"], int), (row["truth"], int | None))
        known = row["truth"] is None or 0 <= row["truth"] < classes
        _demand(known and 0 <= row["fold"] < folds, "a fold and a class of the release")
        for box in row["boxes"]:
            _demand(len(box) == 4 and max(map(abs, box)) < _FAR, "a box")
        for one in row["detections"]:
            _demand(len(one) == 6 and 0 <= one[0] < classes and max(map(abs, one[2:])) < _FAR, "a detection")


def _points(point: Sequence[Any], width: int) -> None:
    _demand(isinstance(point, (list, tuple)) and len(point) == width, "a point")
    for value in point:
        _kinds((value, str))
    _numbers(point)


def _numbers(values: Iterable[Any]) -> None:
    for value in values:
        _demand(not isinstance(value, str) or _NUMBER.fullmatch(value) is not None, "a number")


def _kinds(*pairs: tuple[object, Any]) -> None:
    for value, kind in pairs:
        _demand(isinstance(value, kind), f"{kind}")


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"it is not {what}")
