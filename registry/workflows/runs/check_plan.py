"""Whether the folds of a plan can be drawn and its claims judged, found out before it is signed: from labels, groups
and attributes alone.

Invariants: nothing is refused with which a run could succeed; the checks call the functions that draw and judge. Before
cleaning, groups are known only by person and no image has been dropped, so fewer faults are found than after it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from registry.core import records
from registry.core.draw import draw_folds
from registry.core.errors import InvalidInput
from registry.core.text.claim_text import claim_text
from registry.core.text.figure_names import check_attribute
from registry.evaluation.evaluate import evaluate
from registry.evaluation.figures.thin_classes import thin
from registry.provenance.recipe_numbers import recipe_count, threshold_rule

SURE = 1_000_000  # millionths
ROUNDS = 100  # whether a figure can be estimated does not depend on them
FULL_FRAME = [0, 0, 10_000, 10_000]


@dataclass(frozen=True)
class Labeled:
    """One image as a plan counts it. ``label``: the class's index, None where there is nothing to find."""

    sha256: bytes
    group: bytes
    label: int | None
    attributes: Mapping[str, str]


def before_cleaning(snapshot: records.Snapshot, items: Collection[Mapping[str, Any]]) -> list[Labeled]:
    """The snapshot's images as if none were dropped and none were alike: grouped by person alone."""
    first: dict[str, bytes] = {}
    for row in items:
        if row["subject"] is not None:
            first[row["subject"]] = min(row["sha256"], first.get(row["subject"], row["sha256"]))
    return [
        _labeled(snapshot, row, first[row["subject"]] if row["subject"] is not None else row["sha256"]) for row in items
    ]


def after_cleaning(
    snapshot: records.Snapshot, items: Collection[Mapping[str, Any]], groups: Mapping[bytes, bytes]
) -> list[Labeled]:
    """The images in ``groups``: those that cleaning kept."""
    return [_labeled(snapshot, row, groups[row["sha256"]]) for row in items if row["sha256"] in groups]


def _labeled(snapshot: records.Snapshot, row: Mapping[str, Any], group: bytes) -> Labeled:
    label = None if row["label"] is None else snapshot.classes.index(row["label"])
    return Labeled(row["sha256"], group, label, row["attributes"])


def check_plan(
    snapshot: records.Snapshot,
    images: Sequence[Labeled],
    recipe: records.Recipe,
    claims: Sequence[records.Claim],
    final: str,
) -> tuple[records.Note, ...]:
    """Warnings about the plan. ``InvalidInput`` (``too_few_groups``, ``bad_claim``, ``reserved_name``) for a plan that
    can't succeed.
    """
    for name in sorted({name for one in images for name in one.attributes}):
        check_attribute(name)  # a stranger's log may have one
    k = recipe_count(recipe, "folds", "k")
    groups = {one.sha256: one.group for one in images}
    folds = draw_folds(groups, {one.sha256: one.label for one in images}, k, bytes(32))
    if claims:
        _check_claims(snapshot, images, folds, recipe, claims, final)
    labeled = [(one.label, one.sha256, one.group) for one in images if one.label is not None]
    return thin(snapshot.classes, labeled, k)


def _check_claims(
    snapshot: records.Snapshot,
    images: Sequence[Labeled],
    folds: Mapping[bytes, int],
    recipe: records.Recipe,
    claims: Sequence[records.Claim],
    final: str,
) -> None:
    """Judge the claims on perfect predictions and on predictions that are half wrong: a claim that neither decides
    can't be decided by any model. Then judge them on a model that detects nothing: a claim that it reaches says
    nothing about any model.
    """
    judged = partial(_judged, snapshot, images, folds, recipe, final)
    open_claims = list(claims)
    for wrong in (0, 2):
        if open_claims:
            found = judged(open_claims, wrong)
            open_claims = [claim for claim, verdict in zip(open_claims, found, strict=True) if verdict.low is None]
    if open_claims:
        raise InvalidInput(
            f"the claim on {open_claims[0].metric} can't be judged on these images: the figure is not estimable, "
            "whatever the model predicts",
            code="bad_claim",
            hint="make a claim about classes and groups with more images, or label more images.",
        )
    _check_worth(judged(claims, None))


def _judged(
    snapshot: records.Snapshot,
    images: Sequence[Labeled],
    folds: Mapping[bytes, int],
    recipe: records.Recipe,
    final: str,
    claims: Sequence[records.Claim],
    wrong: int | None,
) -> Sequence[records.Verdict]:
    """The verdicts on ``claims`` if ``_predictions`` were the model's; ``wrong`` as there."""
    return evaluate(
        _predictions(images, folds, len(snapshot.classes), wrong),
        classes=snapshot.classes,
        threshold=threshold_rule(recipe),
        final=final,
        histories=(),
        claims=tuple(claims),
        groups=tuple(sorted({name for one in images for name in one.attributes})),
        clusters={one.sha256: one.group for one in images if one.group != one.sha256},
        attributes={one.sha256: one.attributes for one in images},
        rounds=min(ROUNDS, recipe_count(recipe, "evaluation", "rounds")),
        min_group=recipe_count(recipe, "evaluation", "min_group"),
        seed=0,
    ).verdicts


def _check_worth(of_nothing: Sequence[records.Verdict]) -> None:
    """``InvalidInput`` (``bad_claim``) for a claim with ``>=`` that a model reaches although it detects nothing.

    Such a model's average precision is the class's share of the images, and images without an object count as correct.
    """
    for one in of_nothing:
        if one.comparator == ">=" and one.value is not None and 0 < Decimal(one.threshold) <= Decimal(one.value):
            raise InvalidInput(
                f"the claim {claim_text(one)} shows nothing: on these images even a model that detects nothing "
                f"reaches {one.value}",
                code="bad_claim",
                hint=f"claim more than {one.value}.",
            )


def _predictions(
    images: Sequence[Labeled], folds: Mapping[bytes, int], classes: int, wrong: int | None
) -> Iterator[dict[str, Any]]:
    """Rows of PREDICTIONS: all right, with every ``wrong``-th image of a class called the next one, or (None) nothing
    found."""
    count = [0] * (classes + 1)
    for one in sorted(images, key=lambda found: found.sha256):
        place = classes if one.label is None else one.label
        count[place] += 1
        called = one.label
        if wrong is None:
            called = None
        elif wrong and count[place] % wrong == 0:
            called = (place + 1) % classes
        yield {
            "sha256": one.sha256,
            "fold": folds[one.sha256],
            "truth": one.label,
            "boxes": [] if one.label is None else [FULL_FRAME],
            "detections": [] if called is None else [[called, SURE, *FULL_FRAME]],
        }
