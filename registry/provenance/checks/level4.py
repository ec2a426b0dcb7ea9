"""Level 4: items follow from contributions, folds from draw and groups, predictions from folds and items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from registry.core import tables
from registry.core.records import REFIT, Contribution, parse_as
from registry.core.snapshot import classes_of, matches, resolve_rows, rows_said, select
from registry.evaluation.folds import check_repeats, draw_seed, repeated_folds
from registry.provenance.checks.report import Check, Doubt, Skip, equal, run
from registry.provenance.checks.subject import Subject
from registry.provenance.lineage import stated_count


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this level."""
    yield run("4.items", "every item follows from the contributions by the rule", partial(items, subject))
    yield run("4.prepared", "every item was preprocessed once, and groups are whole", partial(prepared, subject))
    yield run("4.draw", "the draw's seed follows from the plan and its block", partial(seed, subject))
    yield run("4.folds", "the folds follow from draw, groups and items", partial(folds, subject))
    yield run("4.trainings", "every fold was trained once, for this draw", partial(trainings, subject))
    yield run(
        "4.predictions", "every judged image is one that its fold did not train on", partial(predictions, subject)
    )


def _release(subject: Subject) -> None:
    if not subject.is_release:
        raise Skip("only a release has folds")


def items(subject: Subject) -> str:
    """4.items: the snapshot's rule, run again over the contributions it names, gives the same two tables."""
    if not subject.is_release and not subject.is_snapshot:
        raise Skip("no snapshot is meant")
    snapshot = subject.snapshot
    rows: list[Mapping[str, Any]] = []
    for cid in snapshot.contributions:
        contribution = parse_as(Contribution, subject.get(cid))
        rows += rows_said(contribution, subject.get)
    stated = list(tables.iterate(snapshot.items, subject.get))
    excluded = list(tables.iterate(snapshot.excluded, subject.get))
    taken_back = {row[0] for row in excluded if row[1] == "withdrawn"}
    missing = {row[0] for row in excluded if row[1] == "no_bytes"}
    wanted = [row for row in resolve_rows(rows) if matches(row, snapshot.query)]
    found, left_out = select(wanted, classes_of(snapshot.classes, snapshot.aliases), snapshot.rule, taken_back, missing)
    both = {row[0] for row in stated} & {row[0] for row in excluded}
    if both:
        raise Doubt(f"image {min(both).hex()} is an item and excluded")
    _same_rows("items", stated, found)
    _same_rows("excluded", excluded, left_out)
    equal("count", snapshot.count, len(stated))
    return f"{len(stated)} items, {len(excluded)} excluded"


def _same_rows(what: str, stated: list[Any], found: list[list[Any]]) -> None:
    one, other = [list(row) for row in stated], sorted(found, key=lambda row: row[0])
    for left, right in zip(one, other, strict=False):
        if left != right:
            raise Doubt(f"{what}: image {left[0].hex()} does not follow from the contributions")
    if len(one) != len(other):
        raise Doubt(f"{what}: {len(one)} are stated, {len(other)} follow from the contributions")


def prepared(subject: Subject) -> str:
    """4.prepared: one row an item; a group is named by its smallest member; one person is in one group."""
    _release(subject)
    rows = subject.rows(subject.release.preprocessing.output)
    listed = {row["sha256"]: row for row in subject.rows(subject.release.snapshot.items)}
    equal("images", sorted(row["sha256"].hex() for row in rows), sorted(key.hex() for key in listed))  # type: ignore[attr-defined]
    members: dict[Any, list[Any]] = {}
    persons: dict[Any, set[Any]] = {}
    for row in rows:
        members.setdefault(row["group"], []).append(row["sha256"])
        subject_name = listed[row["sha256"]]["subject"]
        if subject_name is not None:
            persons.setdefault(subject_name, set()).add(row["group"])
    if any(min(found) != name for name, found in members.items()):
        raise Doubt("a group is not named by its smallest member")
    if any(len(found) > 1 for found in persons.values()):
        raise Doubt("a person stands in two groups")
    return f"{len(members)} groups"


def seed(subject: Subject) -> str:
    """4.draw: sha256 of the plan's CID and the block's hash (or the plan's seed)."""
    _release(subject)
    draw, plan = subject.release.draw, subject.release.plan
    block = bytes.fromhex(draw.beacon.block_hash.removeprefix("0x")) if draw.beacon else None
    equal("seed", draw.seed, draw_seed(bytes(draw.plan), plan.seed, block))
    return "from the block's hash" if block else "from the plan's seed alone (no beacon)"


def _kept(subject: Subject) -> tuple[dict[bytes, bytes], dict[bytes, int], dict[bytes, Mapping[str, Any]]]:
    """Groups, class indices and PREPARED rows of the kept images."""
    classes = subject.release.snapshot.classes
    labels = {row["sha256"]: classes.index(str(row["label"])) for row in subject.rows(subject.release.snapshot.items)}
    kept: dict[Any, Any] = {
        row["sha256"]: row for row in subject.rows(subject.release.preprocessing.output) if row["reason"] is None
    }
    return {key: row["group"] for key, row in kept.items()}, {key: labels[key] for key in kept}, kept


def _drawn(subject: Subject) -> dict[tuple[bytes, int], int]:
    """What the draw's table says: (image, repeat) to fold."""
    rows: list[Any] = list(subject.rows(subject.release.draw.folds))
    return {(row["sha256"], row["repeat"]): row["fold"] for row in rows}


def _counts(subject: Subject) -> tuple[int, int]:
    """k and repeats, as the recipe states them."""
    recipe = subject.release.recipe
    return stated_count(recipe, "folds", "k"), stated_count(recipe, "folds", "repeats")


def folds(subject: Subject) -> str:
    """4.folds: drawn again, and no group on both sides."""
    _release(subject)
    stated = _drawn(subject)
    groups, labels, _ = _kept(subject)
    k, repeats = _counts(subject)
    equal("rows of folds", len(stated), repeats * len(groups))  # before as many are drawn
    equal("folds", stated, repeated_folds(groups, labels, k, repeats, subject.release.draw.seed))
    check_repeats(stated, groups, k, repeats)
    return f"{k} folds, drawn {repeats} times, {len(set(groups.values()))} groups"


def trainings(subject: Subject) -> str:
    """4.trainings: a training of this draw for each fold; and one on all images exactly where the plan wants it."""
    _release(subject)
    release = subject.release
    wrong = [training.fold for training in release.trainings if training.draw != release.release.draw]
    if wrong:
        raise Doubt(f"the training of fold {wrong[0]} is of another draw")
    k, repeats = _counts(subject)
    trained = sorted(one.fold for one in release.trainings if one.fold is not None)
    equal("folds trained", trained, list(range(k * repeats)))
    refits = sum(one.fold is None for one in release.trainings)
    equal("trainings on all images", refits, int(release.plan.final == REFIT))
    return f"{len(release.trainings)} trainings"


def predictions(subject: Subject) -> str:
    """4.predictions: every kept image once a repeat, in its fold, with its truth and its boxes."""
    _release(subject)
    if subject.release.evaluation.draw != subject.release.release.draw:
        raise Doubt("the evaluation is of another draw")
    stated = {(sha256, fold) for (sha256, _), fold in _drawn(subject).items()}
    _, labels, kept = _kept(subject)
    rows = subject.rows(subject.release.evaluation.predictions)
    equal("images judged", len(rows), len(stated))
    for row in rows:
        sha256: Any = row["sha256"]
        if (
            (sha256, row["fold"]) not in stated
            or labels[sha256] != row["truth"]
            or kept[sha256]["boxes"] != row["boxes"]
        ):
            raise Doubt(f"image {sha256.hex()} has another fold, truth or box than the draw and the items say")
        _check_detections(sha256, row["detections"], len(subject.release.snapshot.classes))
    return f"{len(rows)} predictions"


def _check_detections(sha256: bytes, found: Any, classes: int) -> None:
    scores = [one[1] for one in found]
    if scores != sorted(scores, reverse=True) or any(
        not 0 <= one[0] < classes or not 0 <= one[1] <= 1_000_000 for one in found
    ):
        raise Doubt(f"the detections of image {sha256.hex()} are out of order or out of bounds")
