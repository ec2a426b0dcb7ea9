"""How a run's folds stand and how they got there: what the page of a run shows live.

Invariants: numbers come from the run's events, and of an ended run's losses from its evaluation; what no event told is
None. Time left is an estimate from the pace so far, and None until there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from registry.catalog.queries.training_runs import run_events, runs
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.remembered import Remembered
from registry.core.table import tables
from registry.web.base.epochs import Course, by_epoch, course, swatch
from registry.web.base.page import check_drawings
from registry.web.base.svg import Drawing
from registry.web.base.words import Words
from registry.workflows.parts import Parts

DRAWN = 12  # folds in a drawing: more are in the table alone
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Fold:
    """One training as a row: ``epoch`` of ``epochs``; ``loss`` and ``f1`` with their best values."""

    name: str
    status: str
    epoch: int
    epochs: int
    loss: Course
    f1: Course
    left: int | None  # seconds
    pace: str | None  # images a second
    error: str | None
    swatch: Markup

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 100."""
        return 100 if self.status == "completed" else round(100 * min(1.0, self.epoch / max(1, self.epochs)), 1)


@dataclass(frozen=True)
class Standing:
    """``folds`` in order; ``left`` seconds of all of them; ``step`` what is done now, as its newest event says;
    ``seq`` the newest event's number."""

    folds: tuple[Fold, ...]
    curves: tuple[Drawing, ...]
    left: int | None
    step: Event | None
    progress: Event | None
    seq: int


def standing(parts: Parts, t: Words, row: Mapping[str, Any]) -> Standing:
    """Of a run's row."""
    run = row["id"]
    with parts.catalog.read() as db:
        seq = run_events.newest_seq(db, run)
        epochs, found = run_events.epochs(db, run), runs.folds(db, run)
        step = run_events.last(db, run, "step")
        progress = run_events.last(db, run, "progress")
    told: dict[int | None, list[Event]] = {}
    for event in epochs:
        told.setdefault(event["fold"], []).append(event)
    validation = _validation(parts, row["evaluation"])
    folds = tuple(
        _fold(t, index, _as_shown(one, row), told.get(one["fold"], ()), validation) for index, one in enumerate(found)
    )
    curves = _curves(t, folds, validation)
    check_drawings(curves)
    left = _left(parts, row, folds, told) if row["status"] in ("queued", "running") else None
    counting = progress is not None and step is not None and progress["seq"] > step["seq"]
    return Standing(folds, curves, left, step, progress if counting else None, seq)


def _as_shown(fold: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """A fold's row; what the failure of its run stopped was cancelled by nobody."""
    stopped = run["status"] == "failed" and fold["status"] == "cancelled"
    return {**fold, "status": "stopped"} if stopped else dict(fold)


def _fold(t: Words, index: int, row: Mapping[str, Any], told: Sequence[Event], known: Mapping[str, _Losses]) -> Fold:
    newest = told[-1] if told else {}
    losses = known.get(_name(row["fold"]))
    points = [(int(one["epoch"]), _number(one.get("loss"))) for one in told] or (losses.training if losses else [])
    running = row["status"] == "running"
    return Fold(
        name=t.fold(_name(row["fold"])),
        status=row["status"],
        epoch=int(row["epoch"] or 0),
        epochs=int(row["epochs"] or 0),
        loss=course(points, lower_is_better=True),
        f1=course([(int(one["epoch"]), _number(one.get("f1"))) for one in told], lower_is_better=False),
        left=newest.get("eta_seconds") if running else None,
        pace=newest.get("images_per_second") if running else None,
        error=row["error"],
        swatch=Markup(swatch(index)),  # noqa: S704  our own, of numbers alone
    )


def _name(fold: int | None) -> str:
    return "refit" if fold is None else f"fold {fold}"


def _number(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        return float("nan")  # is not drawn


@dataclass(frozen=True)
class _Losses:
    training: list[tuple[int, float]]
    validation: list[tuple[int, float]]


_losses = Remembered[str, dict[str, _Losses]](200)


def _validation(parts: Parts, evaluation: str | None) -> dict[str, _Losses]:
    """Losses by training's name, from an evaluation's curves; none where there is none that can be read."""
    if evaluation is None:
        return {}
    try:
        record = records.parse_as(records.Evaluation, parts.store.get(CID.parse(evaluation)))
        return _losses.of(evaluation, lambda: _losses_of(record, parts.store.get))
    except (EmotionetError, ArithmeticError, ValueError, TypeError, IndexError):  # withdrawn, not held, or a stranger's
        return {}


def _losses_of(record: records.Evaluation, get: Get) -> dict[str, _Losses]:
    curves = {row["name"]: row["points"] for row in tables.rows_as_dicts(record.curves, get)}
    return {
        one.name: _Losses(_points(curves, f"train_loss({one.name})"), _points(curves, f"val_loss({one.name})"))
        for one in record.overfitting
    }


def _points(curves: Mapping[str, Any], name: str) -> list[tuple[int, float]]:
    return [(int(float(point[0])), float(point[1])) for point in curves.get(name, [])]


def _curves(t: Words, folds: Sequence[Fold], known: Mapping[str, _Losses]) -> tuple[Drawing, ...]:
    drawn, epochs = folds[:DRAWN], max((one.epochs for one in folds), default=1)
    validation = {
        t.fold(name): course(losses.validation, lower_is_better=True) for name, losses in list(known.items())[:DRAWN]
    }
    found = (
        ("loss", t("epochs.axis"), None, {one.name: one.loss for one in drawn}),
        ("f1", "F1", 1.0, {one.name: one.f1 for one in drawn}),
        ("validation", t("epochs.axis"), None, validation),
    )
    return tuple(
        by_epoch(t, t(f"epochs.{kind}"), axis, courses, epochs, most=most)
        for kind, axis, most, courses in found
        if any(one.points for one in courses.values())
    )


def _left(
    parts: Parts, row: Mapping[str, Any], folds: Sequence[Fold], told: Mapping[int | None, Sequence[Event]]
) -> int | None:
    """Seconds until all folds are trained: those under way by their own pace, those that wait by the mean of all."""
    paces = [pace for one in told.values() if (pace := _pace(one)) is not None]
    running = [one.left for one in folds if one.left is not None]
    waiting = [one for one in folds if one.status == "queued" or (one.status == "running" and one.left is None)]
    if (waiting and not paces) or not (waiting or running):
        return None
    side_by_side = max(1, parts.settings.at_once(row["engine"]))
    each = sum(paces) / len(paces) if paces else 0.0
    epochs = sum(one.epochs - one.epoch for one in waiting)
    return round(max(running, default=0) + each * epochs / side_by_side)


def _pace(told: Sequence[Event]) -> float | None:
    """Seconds an epoch, over all that a fold told; None of one that told of less than two."""
    epochs = int(told[-1]["epoch"]) - int(told[0]["epoch"]) if told else 0
    if epochs < 1:
        return None
    first, last = (datetime.fromisoformat(told[at]["time"]) for at in (0, -1))
    return max(0.0, (last - first).total_seconds()) / epochs
