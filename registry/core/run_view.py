"""What a run rests on, read in one place: draw, plan, recipe, preprocessing, snapshot; of a release its trainings too.

Pure: all reading is through ``get``, which verifies. Each view is read whole or not at all, so whoever holds one has
records that exist and have the types they should have. Errors are ``get``'s, and ``InvalidInput`` for a block that is
no such record.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get


@dataclass(frozen=True)
class PreprocessingView:
    """What a preprocessing rests on."""

    preprocessing: records.Preprocessing
    snapshot: records.Snapshot


@dataclass(frozen=True)
class PlanView(PreprocessingView):
    """What a plan rests on."""

    plan: records.Plan
    recipe: records.Recipe


@dataclass(frozen=True)
class DrawView(PlanView):
    """What a draw rests on."""

    draw: records.Draw


@dataclass(frozen=True)
class ReleaseView(DrawView):
    """What a release rests on."""

    release: records.Release
    trainings: tuple[records.Training, ...]
    evaluation: records.Evaluation


def preprocessing_view(get: Get, preprocessing: records.Preprocessing) -> PreprocessingView:
    """A preprocessing with its snapshot."""
    snapshot = records.parse_as(records.Snapshot, get(preprocessing.snapshot))
    return PreprocessingView(preprocessing=preprocessing, snapshot=snapshot)


def plan_view(get: Get, plan: records.Plan) -> PlanView:
    """A plan with its recipe, preprocessing and snapshot."""
    preprocessing = records.parse_as(records.Preprocessing, get(plan.preprocessing))
    recipe = records.parse_as(records.Recipe, get(plan.recipe))
    return PlanView(**vars(preprocessing_view(get, preprocessing)), plan=plan, recipe=recipe)


def draw_view(get: Get, cid: CID) -> DrawView:
    """A draw, by its CID, with its plan and what that rests on."""
    draw = records.parse_as(records.Draw, get(cid))
    return DrawView(**vars(plan_view(get, records.parse_as(records.Plan, get(draw.plan)))), draw=draw)


def release_view(get: Get, release: records.Release) -> ReleaseView:
    """A release with its trainings and evaluation, its draw and what that rests on."""
    return ReleaseView(
        **vars(draw_view(get, release.draw)),
        release=release,
        trainings=tuple(records.parse_as(records.Training, get(cid)) for cid in release.trainings),
        evaluation=records.parse_as(records.Evaluation, get(release.evaluation)),
    )
