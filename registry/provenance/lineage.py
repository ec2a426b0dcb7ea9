"""A release read back as one value: every record it rests on, and its evaluation made again.

Pure: all reading is through ``get``, which verifies. Used to evaluate a run, to write its card and
report, and by the audit, so that all of them speak of the same thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from registry.core import records, tables
from registry.core.cid import CID
from registry.evaluation.evaluate import Result, evaluate

Get = Callable[[CID], bytes]
R = TypeVar("R", bound=records.Record)


@dataclass(frozen=True)
class DrawView:
    """What a draw rests on."""

    draw: records.Draw
    plan: records.Plan
    recipe: records.Recipe
    preprocessing: records.Preprocessing
    snapshot: records.Snapshot


@dataclass(frozen=True)
class ReleaseView(DrawView):
    """What a release rests on."""

    release: records.Release
    trainings: tuple[records.Training, ...]
    evaluation: records.Evaluation


def _read(get: Get, kind: type[R], cid: CID) -> R:
    return records.parse_as(kind, get(cid))


def draw_view(get: Get, draw_cid: CID) -> DrawView:
    """A draw's records, read through ``get``."""
    draw = _read(get, records.Draw, draw_cid)
    plan = _read(get, records.Plan, draw.plan)
    preprocessing = _read(get, records.Preprocessing, plan.preprocessing)
    return DrawView(
        draw=draw,
        plan=plan,
        recipe=_read(get, records.Recipe, plan.recipe),
        preprocessing=preprocessing,
        snapshot=_read(get, records.Snapshot, preprocessing.snapshot),
    )


def release_view(get: Get, release: records.Release) -> ReleaseView:
    """A release's records, read through ``get``."""
    return ReleaseView(
        **vars(draw_view(get, release.draw)),
        release=release,
        trainings=tuple(_read(get, records.Training, cid) for cid in release.trainings),
        evaluation=_read(get, records.Evaluation, release.evaluation),
    )


def millionths(text: object) -> int:
    """A decimal string as an integer in millionths, exactly."""
    return int(Decimal(str(text)) * 1_000_000)


def evaluate_draw(get: Get, draw_cid: CID, predictions: CID) -> Result:
    """Every figure of an evaluation, from the draw's records and a PREDICTIONS table."""
    view = draw_view(get, draw_cid)
    stated = view.recipe.values["evaluation"]
    prepared = tables.rows_as_dicts(view.preprocessing.output, get)
    items = tables.rows_as_dicts(view.snapshot.items, get)
    return evaluate(
        list(tables.rows_as_dicts(predictions, get)),
        classes=view.snapshot.classes,
        threshold=millionths(stated["threshold"]),
        claims=view.plan.claims,
        groups=view.plan.groups,
        clusters={row["sha256"]: row["group"] for row in prepared if row["reason"] is None},
        attributes={row["sha256"]: row["attributes"] for row in items},
        rounds=int(stated["rounds"]),
        min_group=int(stated["min_group"]),
        seed=view.plan.seed,
    )
