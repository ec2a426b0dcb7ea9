"""The charts of a release's report; each is drawn only if the records hold its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from registry.core import records
from registry.core.run_view import ReleaseView
from registry.core.table import tables
from registry.core.text.figure_names import of_class
from registry.web.base import charts, figures
from registry.web.base.svg import Drawing
from registry.web.base.words import Words
from registry.web.report.by_group import by_group, people_of

Get = Callable[..., bytes]
Curves = Mapping[str, Sequence[Sequence[str]]]
BY_CONFIDENCE = ("f1_confidence", "precision_confidence", "recall_confidence")


def curves_of(view: ReleaseView, get: Get) -> Curves:
    """Every curve of the evaluation by name."""
    return {row["name"]: row["points"] for row in tables.rows_as_dicts(view.evaluation.curves, get)}


def drawings(t: Words, view: ReleaseView, get: Get, items: Sequence[Mapping[str, Any]]) -> list[Drawing]:
    """All figures of a release that ``check_presentable``, in the report's order; ``items`` are the snapshot's rows."""
    curves, found = curves_of(view, get), view.evaluation
    groups = by_group(people_of(found), view.snapshot.classes).groups
    drawn = [_labels(t, view, get, items), intervals_by_class(t, view)]
    if groups:
        found_of = [(t.group(name), one["value"], one["low"], one["high"], one["n"]) for name, (one, *_) in groups]
        drawn.append(_intervals(t, "recall_groups", found_of))
    drawn.append(intervals_by_fold(t, view))
    drawn += [confusion(t, view, normalized=True), confusion(t, view, normalized=False)]
    drawn += [by_confidence(t, kind, curves, view.snapshot.classes) for kind in BY_CONFIDENCE]
    for kind, x, y in (
        ("pr", "recall", "precision"),
        ("pr50", "recall", "precision"),
        ("roc", "false_rate", "true_rate"),
    ):
        of_kind = {name: of_class(kind, name) for name in view.snapshot.classes}
        series = {name: curves[key] for name, key in of_kind.items() if key in curves}
        if any(series.values()):
            names = (t(f"figures.{x}"), t(f"figures.{y}"))
            drawn.append(charts.lines(t, t(f"figures.{kind}"), names, series, first=1))
    if curves.get("reliability(all)"):
        drawn.append(figures.reliability(t, t("figures.reliability"), curves["reliability(all)"]))
    losses = _losses(curves, found.overfitting)
    return [*drawn, charts.training(t, t("figures.training"), losses)] if losses else drawn


def confusion(t: Words, view: ReleaseView, *, normalized: bool, title: str | None = None) -> Drawing:
    """The confusion matrix of a release."""
    title = title or t("figures.confusion_share" if normalized else "figures.confusion_count")
    return figures.confusion(t, title, view.evaluation.confusion, view.snapshot.classes, normalized=normalized)


def by_confidence(t: Words, kind: str, curves: Curves, classes: Sequence[str], title: str | None = None) -> Drawing:
    """One of ``BY_CONFIDENCE``: the mean over classes first, then each class."""
    mean = "macro"
    while mean in classes:
        mean += "*"
    wanted = {mean: f"macro_{kind}"} | {name: of_class(kind, name) for name in classes}
    series = {name: curves[key] for name, key in wanted.items() if key in curves}
    of = {"f1_confidence": "F1"}.get(kind) or t(f"figures.{kind.removesuffix('_confidence')}")
    return charts.lines(t, title or t(f"figures.{kind}"), (t("figures.confidence"), of), series)


def kept_and_dropped(
    view: ReleaseView, get: Get, items: Sequence[Mapping[str, Any]]
) -> tuple[dict[str | None, tuple[int, int]], dict[str, int]]:
    """By class (None: without an object) how many images cleaning kept and dropped, and how many it dropped by
    reason."""
    label_of = {row["sha256"]: row["label"] for row in items}
    counts: dict[str | None, list[int]] = {name: [0, 0] for name in view.snapshot.classes}
    reasons: dict[str, int] = {}
    for row in tables.rows_as_dicts(view.preprocessing.output, get):
        gone = row["reason"] is not None
        counts.setdefault(label_of.get(row["sha256"], "?"), [0, 0])[gone] += 1
        if gone:
            reasons[row["reason"]] = reasons.get(row["reason"], 0) + 1
    return {name: (kept, out) for name, (kept, out) in counts.items()}, dict(sorted(reasons.items()))


def _labels(t: Words, view: ReleaseView, get: Get, items: Sequence[Mapping[str, Any]]) -> Drawing:
    background = figures.nothing(t, view.snapshot.classes)
    counts = {
        background if name is None else name: pair for name, pair in kept_and_dropped(view, get, items)[0].items()
    }
    return figures.bars(t, t("figures.labels"), counts)


def _figure(name: str, metric: records.Metric) -> figures.Figure:
    return name, metric.value, metric.low, metric.high, metric.n


def _intervals(t: Words, title: str, found: Sequence[figures.Figure]) -> Drawing:
    return figures.intervals(t, t(f"figures.{title}"), found)


def intervals_by_class(t: Words, view: ReleaseView) -> Drawing:
    """F1, recall and precision of each class with their intervals."""
    return _intervals(t, "by_class", _by_class(t, view))


def intervals_by_fold(t: Words, view: ReleaseView) -> Drawing:
    """Macro F1 of all folds together and of each, with their intervals."""
    return _intervals(t, "by_fold", _by_fold(t, view))


def _by_class(t: Words, view: ReleaseView) -> list[figures.Figure]:
    known = {one.name: one for one in view.evaluation.metrics}
    names = [of_class(figure, name) for figure in ("f1", "recall", "precision") for name in view.snapshot.classes]
    return [_figure(t.figure(name), known[name]) for name in names if name in known]


def _by_fold(t: Words, view: ReleaseView) -> list[figures.Figure]:
    folds = [(t("figures.fold", number=number), found) for number, found in enumerate(view.evaluation.per_fold)]
    return [
        _figure(name, one)
        for name, found in [(t("figures.pooled"), view.evaluation.metrics), *folds]
        for one in found
        if one.name == "macro_f1"
    ]


def _losses(curves: Curves, overfitting: Sequence[records.Overfitting]) -> dict[str, charts.Losses]:
    best = {one.name: one.best_epoch for one in overfitting}
    return {
        name: (curves[f"train_loss({name})"], curves.get(f"val_loss({name})", []), at)
        for name, at in best.items()
        if f"train_loss({name})" in curves
    }
