"""Level 4's checks of folds: they follow from draw and groups, trainings and predictions from folds and items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from registry.core.draw import check_repeats, draw_seed, repeated_folds
from registry.core.records import REFIT
from registry.core.text.cleaning import counted
from registry.provenance.checks.results import Check, Failed, NotChecked, equal, run
from registry.provenance.checks.target.subject import Subject
from registry.provenance.recipe_numbers import drawn, fold_counts, threshold_rule


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this module."""
    yield run("4.draw", partial(seed, subject))
    yield run("4.folds", partial(folds, subject))
    yield run("4.trainings", partial(trainings, subject))
    yield run("4.predictions", partial(predictions, subject))


def _release(subject: Subject) -> None:
    if not subject.is_release:
        raise NotChecked("only a release has folds")


def seed(subject: Subject) -> str:
    """4.draw: sha256 of the plan's CID, its seed and the values of the beacons, which are those that the plan named."""
    _release(subject)
    draw, plan = subject.release.draw, subject.release.plan
    if plan.v > 1:
        equal("beacons", plan.beacons, tuple(one.named for one in draw.beacons))
    values = [one.value for one in draw.beacons]
    equal("seed", draw.seed, draw_seed(bytes(draw.plan), plan.seed, values))
    kinds = " and ".join(str(one.__struct_config__.tag) for one in draw.beacons)
    return f"from the plan's seed and {kinds}" if kinds else "from the plan's seed alone, without a beacon"


def _kept_rows(
    subject: Subject,
) -> tuple[dict[bytes, bytes], dict[bytes, int | None], dict[bytes, Mapping[str, Any]]]:
    """Groups, class indices (None: it shows nothing) and PREPARED rows of the kept images."""
    index: dict[Any, int | None] = {name: place for place, name in enumerate(subject.release.snapshot.classes)}
    index[None] = None
    labels: dict[Any, int | None] = {
        row["sha256"]: index[row["label"]] for row in subject.rows(subject.release.snapshot.items)
    }
    kept: dict[Any, Any] = {
        row["sha256"]: row for row in subject.rows(subject.release.preprocessing.output) if row["reason"] is None
    }
    return {key: row["group"] for key, row in kept.items()}, {key: labels[key] for key in kept}, kept


def _drawn(subject: Subject) -> dict[tuple[bytes, int], int]:
    """What the draw's table says: (image, repeat) to fold."""
    rows: list[Any] = list(subject.rows(subject.release.draw.folds))
    return {(row["sha256"], row["repeat"]): row["fold"] for row in rows}


def folds(subject: Subject) -> str:
    """4.folds: drawn again, and no group on both sides."""
    _release(subject)
    stated = _drawn(subject)
    groups, labels, _ = _kept_rows(subject)
    k, repeats = fold_counts(subject.release.recipe)
    equal("rows of folds", len(stated), repeats * len(groups))  # before as many are drawn
    equal("folds", stated, repeated_folds(groups, labels, k, repeats, subject.release.draw.seed))
    check_repeats(stated, groups, k, repeats)
    of = counted(len(set(groups.values())), "group")
    return f"{counted(k, 'fold')}, {drawn(repeats)}, {of} of persons and near-duplicates"


def trainings(subject: Subject) -> str:
    """4.trainings: a training of this draw for each fold; and one on all images exactly where the plan wants it."""
    _release(subject)
    release = subject.release
    wrong = [training.fold for training in release.trainings if training.draw != release.release.draw]
    if wrong:
        raise Failed(f"the training of fold {wrong[0]} names another draw")
    k, repeats = fold_counts(subject.release.recipe)
    trained = sorted(one.fold for one in release.trainings if one.fold is not None)
    equal("folds trained", trained, list(range(k * repeats)))
    refits = sum(one.fold is None for one in release.trainings)
    equal("trainings on all images", refits, int(release.plan.final == REFIT))
    return counted(len(release.trainings), "training")


def predictions(subject: Subject) -> str:
    """4.predictions: every kept image once a repeat, in its fold, with its truth and its boxes; no detection below the
    recipe's floor."""
    _release(subject)
    if subject.release.evaluation.draw != subject.release.release.draw:
        raise Failed("the evaluation names another draw")
    stated = {(sha256, fold) for (sha256, _), fold in _drawn(subject).items()}
    _, labels, kept = _kept_rows(subject)
    floor = threshold_rule(subject.release.recipe).floor
    rows = subject.rows(subject.release.evaluation.predictions)
    equal("images judged", len(rows), len(stated))
    for row in rows:
        sha256: Any = row["sha256"]
        if (
            (sha256, row["fold"]) not in stated
            or labels[sha256] != row["truth"]
            or kept[sha256]["boxes"] != row["boxes"]
        ):
            raise Failed(
                f"image {sha256.hex()} does not have the fold, label or boxes that the draw and the items give it"
            )
        _check_detections(sha256, row["detections"], len(subject.release.snapshot.classes), floor)
    return counted(len(rows), "prediction")


def _check_detections(sha256: bytes, found: Any, classes: int, floor: int) -> None:
    scores = [one[1] for one in found]
    if scores != sorted(scores, reverse=True) or any(
        not 0 <= one[0] < classes or not 0 <= one[1] <= 1_000_000 for one in found
    ):
        raise Failed(f"the detections of image {sha256.hex()} are out of order or out of bounds")
    if scores and scores[-1] < floor:
        raise Failed(f"image {sha256.hex()} has a detection below the recipe's floor")
