"""Gathers what the report shows, from records and from the documents of the commands before it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

from registry.content import reader
from registry.core import records, tables
from registry.core.cid import CID
from registry.core.records import to_value
from registry.provenance.lineage import ReleaseView, release_view
from registry.web import figures
from registry.web.report import ReportData
from registry.workflows.parts import Parts
from registry.workflows.thumbnail import thumbnail

EXAMPLES_A_REASON = 2
BY_FOLD = ("macro_f1", "accuracy", "pr_auc", "map50")
THUMB = 128


def collect(
    parts: Parts,
    imported: Mapping[str, Any],
    snapshot: Mapping[str, Any],
    run: Mapping[str, Any],
    release: Mapping[str, Any],
    audit: Mapping[str, Any],
    commands: Sequence[str] = (),
) -> ReportData:
    """Everything for ``render_report``; ``commands`` are what to try next."""
    record = records.parse_as(records.Release, parts.store.get(CID.parse(release["release"])))
    view = release_view(parts.store.get, record)
    items = list(tables.rows_as_dicts(view.snapshot.items, parts.store.get))
    drawn = all(row["attributes"].get("source") == "drawing" for row in items)
    results = [check["result"] for check in audit["checks"]]
    named = {metric.name: to_value(metric) for metric in view.evaluation.metrics}
    return ReportData(
        title="Drawn faces: the demo's release" if drawn else "Release report",
        made=parts.now(),
        issuer=release["issuer"],
        recipe=view.recipe.name,
        drawn=drawn,
        anchor=release["anchor"]["status"],
        from_nothing=view.plan.base is None,
        headline=tuple(named[name] for name in ("macro_f1", "pr_auc", "map50")),
        holds=audit["holds"],
        checked=len(results) - results.count("not checked"),
        unchecked=results.count("not checked"),
        claims=tuple(to_value(verdict) for verdict in view.release.claims),
        figures=tuple(_figures(parts, view, snapshot)),
        counts=tuple(_counts(imported, snapshot, run)),
        examples=tuple(_examples(parts, view, items)),
        metrics=tuple(to_value(metric) for metric in (*view.evaluation.metrics, *_people(view))),
        notes=view.evaluation.notes,
        checks=tuple(audit["checks"]),
        cids=tuple((name, str(value)) for name, value in _cids(imported, release)),
        per_fold=tuple(
            tuple(to_value(one) for one in fold if one.name in BY_FOLD) for fold in view.evaluation.per_fold
        ),
        final=view.plan.final,
        commands=tuple(commands),
    )


def _people(view: ReleaseView) -> Sequence[records.Metric]:
    known = {metric.name for metric in view.evaluation.metrics}
    return [metric for metric in view.evaluation.fairness if metric.name not in known]


def _figures(parts: Parts, view: ReleaseView, snapshot: Mapping[str, Any]) -> list[tuple[str, str]]:
    curves = {row["name"]: row["points"] for row in tables.rows_as_dicts(view.evaluation.curves, parts.store.get)}
    classes, matrix = view.snapshot.classes, view.evaluation.confusion
    f1 = {"macro": curves["f1_confidence(macro)"], **{name: curves[f"f1_confidence({name})"] for name in classes}}
    recalls = [_figure(one.name, one) for one in view.evaluation.fairness if one.name.startswith("recall(")]
    by_fold = [
        _figure(name, one)
        for name, found in [("pooled", view.evaluation.metrics), *_named_folds(view)]
        for one in found
        if one.name == "macro_f1"
    ]
    drawn = [
        ("Labels in the snapshot", figures.bars("Labels", snapshot["labels"])),
        ("Recall by group, 95 % intervals", figures.intervals("Recall by group", recalls)),
        ("Macro F1, pooled and by fold, 95 % intervals", figures.intervals("Macro F1 by fold", by_fold)),
        ("F1 by confidence", figures.lines("F1 by confidence", "confidence", "F1", f1)),
        (
            "Precision and recall (image level)",
            figures.lines("PR", "recall", "precision", {n: curves[f"pr({n})"] for n in classes}),
        ),
        ("Confusion, normalized", figures.confusion("Confusion, normalized", matrix, classes, normalized=True)),
        ("Confusion, counts", figures.confusion("Confusion, counts", matrix, classes, normalized=False)),
    ]
    return [*drawn, ("Training and validation loss", figures.training("Loss by epoch", _losses(parts, view)))]


def _figure(name: str, metric: records.Metric) -> figures.Figure:
    return name, metric.value, metric.low, metric.high


def _named_folds(view: ReleaseView) -> list[tuple[str, tuple[records.Metric, ...]]]:
    return [(f"fold {number}", found) for number, found in enumerate(view.evaluation.per_fold)]


def _losses(parts: Parts, view: ReleaseView) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for training in view.trainings:
        for row in tables.rows_as_dicts(training.history, parts.store.get):
            for split in ("train", "val"):
                values = [float(value) for name, value in row["values"].items() if name.startswith(f"{split}/")]
                if values:
                    found.setdefault(f"{split} {_name(training.fold)}", []).append((row["epoch"], sum(values)))
    return dict(sorted(found.items()))


def _name(fold: int | None) -> str:
    return records.REFIT if fold is None else str(fold)


def _counts(
    imported: Mapping[str, Any], snapshot: Mapping[str, Any], run: Mapping[str, Any]
) -> list[tuple[str, str, int]]:
    rejected: dict[str, int] = {}
    for bad in imported["rejected"]:
        rejected[bad["code"]] = rejected.get(bad["code"], 0) + 1
    return [
        ("import", "rows", imported["rows"]),
        ("import", "different images", imported["images"]),
        *(("import", f"rows rejected: {code}", count) for code, count in sorted(rejected.items())),
        ("snapshot", "images", snapshot["count"]),
        *(("snapshot", f"left out: {reason}", count) for reason, count in snapshot["excluded"].items()),
        ("cleaning", "kept", run["kept"]),
        *(("cleaning", f"dropped: {reason}", count) for reason, count in (run["dropped"] or {}).items()),
    ]


def _examples(parts: Parts, view: ReleaseView, items: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str | None]]:
    where = {row["sha256"]: row["image"] for row in items}
    found: list[tuple[str, str, str | None]] = []
    seen: dict[str, int] = {}
    for row in tables.rows_as_dicts(view.preprocessing.output, parts.store.get):
        reason = row["reason"]
        if reason is None or seen.get(reason, 0) >= EXAMPLES_A_REASON:
            continue
        seen[reason] = seen.get(reason, 0) + 1
        measured = row["measured"] or ""
        data = reader.read_whole(parts.store, where[row["sha256"]])
        found.append((reason, measured if len(measured) < 40 else measured[:22] + "…", _thumbnail(data)))
    return sorted(found, key=lambda one: one[0])


def _thumbnail(data: bytes) -> str | None:
    """A small JPEG as a data URI; None for what can't, or must not, be decoded."""
    small = thumbnail(data, THUMB)
    if small is None:
        return None
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def _cids(imported: Mapping[str, Any], release: Mapping[str, Any]) -> list[tuple[str, Any]]:
    names = ("release", "entry", "plan", "draw", "snapshot", "preprocessing", "evaluation")
    found = [("imported root", imported["root"]), *((name, release[name]) for name in names)]
    return found + [(f"weights of fold {one['fold']}", one["cid"]) for one in release["weights"]]
