"""Predictions as columns: checked once, matched once, so that every figure is a few array operations.

Invariants: images are in order of their sha256; detections are ranked by falling score, ties by the image's
sha256, then class, then box; an image's call is its first detection in that order (so a tie goes to the smaller class).
A row that no honest run writes (a class or a score out of bounds, an image twice in one fold) is refused. With
repeated folds an image has a row a repeat: as many as every other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.core.errors import InvalidInput

Row = Mapping[str, Any]  # a row of PREDICTIONS
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
IOU_PERCENTS = tuple(range(50, 100, 5))


@dataclass(frozen=True)
class Columns:
    """n images and d detections of k classes. Scores are in millionths."""

    keys: tuple[bytes, ...]  # (n) sha256; with repeated folds each as often as there are repeats
    fold: Ints  # (n)
    truth: Ints  # (n)
    boxes: Ints  # (n) how many true boxes, all of the truth's class
    best: Ints  # (n) class of the first detection, k where there is none
    best_score: Ints  # (n) its score, -1 where there is none
    scores: Ints  # (n, k) highest score by class, 0 where there is none
    image: Ints  # (d) index into keys
    kind: Ints  # (d) class
    score: Ints  # (d) never rising
    right: Bools  # (10, d) matched at IOU_PERCENTS

    @property
    def classes(self) -> int:
        """k."""
        return int(self.scores.shape[1])

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def repeats(self) -> int:
        """How often each image was judged."""
        return max(1, len(self.keys) // max(1, len(set(self.keys))))

    def called(self, threshold: int | Ints) -> Ints:
        """(n) predicted class at a threshold in millionths (of all images, or one an image), k for nothing."""
        return np.where(self.best_score >= threshold, self.best, self.classes)


def columns_of(predictions: Sequence[Row], classes: int) -> Columns:
    """Rows of PREDICTIONS, in any order, as columns. ``InvalidInput`` (``bad_predictions``) for impossible ones."""
    if not all(isinstance(row["sha256"], bytes) for row in predictions):
        raise InvalidInput("a prediction names no image: its sha256 is 32 raw bytes", code="bad_predictions")
    rows = sorted(predictions, key=lambda row: (row["sha256"], row["fold"] if type(row["fold"]) is int else -1))
    _check(rows, classes)
    count = len(rows)
    best, best_score = np.full(count, classes, np.int64), np.full(count, -1, np.int64)
    scores = np.zeros((count, classes), np.int64)
    found: list[tuple[int, int, int]] = []  # image, class, score
    marks: list[list[bool]] = []
    for image, row in enumerate(rows):
        ranked = sorted(row["detections"], key=lambda one: (-one[1], *one))
        if ranked:
            best[image], best_score[image] = ranked[0][0], ranked[0][1]
        for kind, score, *_ in reversed(ranked):
            scores[image, kind] = score
        found += [(image, one[0], one[1]) for one in ranked]
        marks += match(ranked, row["truth"], row["boxes"])
    table = np.array(found, np.int64).reshape(-1, 3)
    right = np.array(marks, bool).reshape(-1, len(IOU_PERCENTS))
    order = np.argsort(-table[:, 2], kind="stable")
    return Columns(
        keys=tuple(row["sha256"] for row in rows),
        fold=np.array([row["fold"] for row in rows], np.int64),
        truth=np.array([row["truth"] for row in rows], np.int64),
        boxes=np.array([len(row["boxes"]) for row in rows], np.int64),
        best=best,
        best_score=best_score,
        scores=scores,
        image=table[order, 0],
        kind=table[order, 1],
        score=table[order, 2],
        right=right[order].T.copy(),
    )


def _check(rows: Sequence[Row], classes: int) -> None:
    before = None
    for row in rows:
        if (row["sha256"], row["fold"]) == before or not _possible(row, classes):
            raise InvalidInput(
                f"the prediction of image {row['sha256'].hex()} is impossible: a class, score, box or fold is "
                "out of bounds, or the image stands twice",
                code="bad_predictions",
            )
        before = (row["sha256"], row["fold"])
    if len(set(Counter(row["sha256"] for row in rows).values())) > 1:
        raise InvalidInput("an image was judged more often than another: each once a repeat", code="bad_predictions")


def _possible(row: Row, classes: int) -> bool:
    if not (_within(row["truth"], classes) and _within(row["fold"], 1 << 31)):
        return False
    if not (isinstance(row["boxes"], (list, tuple)) and isinstance(row["detections"], (list, tuple))):
        return False
    return all(_integers(box, 4) for box in row["boxes"]) and all(
        _integers(one, 6) and 0 <= one[0] < classes and 0 <= one[1] <= 1_000_000 for one in row["detections"]
    )


def _within(value: object, limit: int) -> bool:
    return type(value) is int and 0 <= value < limit


def _integers(values: object, count: int) -> bool:
    return (
        isinstance(values, (list, tuple))
        and len(values) == count
        and all(type(value) is int and abs(value) <= 1 << 40 for value in values)
    )


def take(columns: Columns, images: Bools) -> Columns:
    """The chosen images alone (a mask), in the same order."""
    place = np.cumsum(images) - 1
    kept = images[columns.image]
    return Columns(
        keys=tuple(key for key, keep in zip(columns.keys, images.tolist(), strict=True) if keep),
        fold=columns.fold[images],
        truth=columns.truth[images],
        boxes=columns.boxes[images],
        best=columns.best[images],
        best_score=columns.best_score[images],
        scores=columns.scores[images],
        image=place[columns.image[kept]],
        kind=columns.kind[kept],
        score=columns.score[kept],
        right=columns.right[:, kept],
    )


def overlap(one: Sequence[int], other: Sequence[int]) -> tuple[int, int]:
    """Intersection and union of two boxes [x, y, w, h], as integers."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(0, width) * max(0, height)
    return common, one[2] * one[3] + other[2] * other[3] - common


def match(ranked: Sequence[Sequence[int]], truth: int, boxes: Sequence[Sequence[int]]) -> list[list[bool]]:
    """For each detection of one image, by falling score, whether it is right at each of IOU_PERCENTS.

    Greedy, as COCO does: each in turn takes the free box of its class that it overlaps most (ties: the
    later one), if that is enough.
    """
    marks = [[False] * len(IOU_PERCENTS) for _ in ranked]
    near = []  # (detection, box, intersection, union) that match at the lowest IoU
    for index, one in enumerate(ranked):
        if one[0] == truth:
            pairs = [(index, place, *overlap(one[2:], box)) for place, box in enumerate(boxes)]
            near += [pair for pair in pairs if pair[3] > 0 and 100 * pair[2] >= IOU_PERCENTS[0] * pair[3]]
    for column, percent in enumerate(IOU_PERCENTS):
        taken: set[int] = set()
        best: tuple[int, int, int] | None = None  # box, intersection, union
        for position, (index, place, common, union) in enumerate(near):
            if (
                place not in taken
                and 100 * common >= percent * union
                and (best is None or common * best[2] >= best[1] * union)
            ):
                best = (place, common, union)
            last = position + 1 == len(near) or near[position + 1][0] != index
            if last and best is not None:
                taken.add(best[0])
                marks[index][column] = True
                best = None
    return marks
