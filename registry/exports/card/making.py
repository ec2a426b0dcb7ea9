"""The card's section on how a release was made."""

from __future__ import annotations

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.records import REFIT
from registry.core.run_view import ReleaseView
from registry.evaluation.base_seen import about_base
from registry.evaluation.sentences import note_text
from registry.exports.card.base_origin import Base
from registry.exports.card.markdown import line

MAX_NAMED = 3  # trainings of base weights that the card names

_NOTHING = (
    "- Some of these images show no object. Training used them as background, and any detection in them is a false "
    "alarm."
)


def making(view: ReleaseView, base: Base | None) -> list[str]:
    """Method, recipe, base weights, data, folds and anchor."""
    plan, beacons = view.plan, view.draw.beacons
    anchored = (
        f"The folds were drawn from {' and '.join(map(_beacon, beacons))}, which did not exist yet when the plan "
        "was anchored."
        if beacons
        else "The plan was not anchored on a chain, so nothing proves to others that it was made before the training."
    )
    classes = ", ".join(f"{index} {line(name)}" for index, name in enumerate(view.snapshot.classes))
    return [
        "## How it was made",
        "",
        f"- Method {line(plan.method.id)} {line(plan.method.version)}, recipe {line(view.recipe.name)}, "
        f"started from {_start(view, base)}.",
        f"- Snapshot `{view.preprocessing.snapshot}` of {view.snapshot.count} images. Classes in order: {classes}.",
        *([_NOTHING] if len(view.evaluation.confusion) > len(view.snapshot.classes) else []),
        f"- {len(view.trainings)} trainings, folds grouped by person and near-duplicate, stratified by class; "
        f"seed {plan.seed}.",
        *(f"- **{line(note_text(note))}**" for note in about_base(plan.origin)),
        f"- The published weights are those of {final_name(plan)}, as the plan fixed.",
        f"- {anchored}",
        "",
    ]


def _start(view: ReleaseView, base: Base | None) -> str:
    if view.plan.base is None:
        return "the architecture alone, without base weights"
    named = f"base weights `{view.plan.base}`"
    known = [f"`{CID.decode(one)}`" for one in view.plan.base_trainings[:MAX_NAMED]]
    if known:
        more = (
            f" and {len(view.plan.base_trainings) - MAX_NAMED} more"
            if len(view.plan.base_trainings) > MAX_NAMED
            else ""
        )
        named += f", whose training is on record ({', '.join(known)}{more})"
    if base is None:
        return f"{named}, which state no {'' if known else 'origin and no '}licence"
    licence = f"under the licence that it states, {line(base.licence)}" if base.licence else "which states no licence"
    digest = f"sha256 {line(base.sha256)}" if base.sha256 else "no sha256 stated"
    return f"{named}, made from a file ({line(base.format or 'no format stated')}, {digest}) {licence}"


def _beacon(beacon: records.Beacon) -> str:
    if isinstance(beacon, records.EvmBlock):
        return f"block {beacon.block_number} of {line(beacon.chain)}"
    return f"round {beacon.round} of drand {line(beacon.chain)}"


def drawings_warning(view: ReleaseView) -> list[str]:
    """A warning where all images are drawn faces."""
    images = sum(map(sum, view.evaluation.confusion))
    if any(one.name == "recall(source=drawing)" and one.n == images for one in view.evaluation.fairness):
        return ["> **These are drawings.** All images are drawn faces; the figures say nothing about real ones.", ""]
    return []


def final_name(plan: records.Plan) -> str:
    """Which training the published weights are of, in words."""
    return "the training on all images" if plan.final == REFIT else line(plan.final.replace("fold:", "fold "))
