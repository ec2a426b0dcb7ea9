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
from functools import cached_property
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.core.errors import InvalidInput

Row = Mapping[str, Any]  # a row of PREDICTIONS
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
IOU_PERCENTS = tuple(range(50, 100, 5))
_TAME = 1 << 27  # coordinates below this make no area, a hundredfold, beyond 64 bits


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

    @cached_property
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
    read = _read(rows, classes)
    _check(rows)
    order = np.argsort(-read.found[:, 1], kind="stable")
    first = np.flatnonzero(np.diff(read.image, prepend=-1))
    best, best_score = np.full(len(rows), classes, np.int64), np.full(len(rows), -1, np.int64)
    best[read.image[first]], best_score[read.image[first]] = read.found[first, 0], read.found[first, 1]
    scores = np.zeros((len(rows), classes), np.int64)
    np.maximum.at(scores, (read.image, read.found[:, 0]), read.found[:, 1])
    return Columns(
        keys=tuple(row["sha256"] for row in rows),
        fold=read.fold,
        truth=read.truth,
        boxes=np.bincount(read.box_of, minlength=len(rows)).astype(np.int64),
        best=best,
        best_score=best_score,
        scores=scores,
        image=read.image[order],
        kind=read.found[order, 0],
        score=read.found[order, 1],
        right=_matched(read)[:, order],
    )


@dataclass(frozen=True)
class _Read:
    """Rows' numbers: by row, by true box (4 wide), and by detection (6 wide), the latter ranked within their image."""

    fold: Ints
    truth: Ints
    box_of: Ints  # row of each box
    box: Ints
    image: Ints  # row of each detection
    found: Ints


def _read(rows: Sequence[Row], classes: int) -> _Read:
    """All rows' numbers at once. ``InvalidInput`` (``bad_predictions``) names a row that is impossible."""
    fold, truth = (_whole([row[name] for row in rows]) for name in ("fold", "truth"))
    boxes, found = _nested([row["boxes"] for row in rows], 4), _nested([row["detections"] for row in rows], 6)
    if fold is None or truth is None or boxes is None or found is None:
        raise _impossible(rows, classes)
    kind, score = found[1][:, 0], found[1][:, 1]
    limits = ((fold, 1 << 31), (truth, classes), (kind, classes), (score, 1_000_001))
    if any(((values < 0) | (values >= limit)).any() for values, limit in limits):
        raise _impossible(rows, classes)
    image, values = _ranked(*found)
    return _Read(fold, truth, *boxes, image, values)


def _whole(values: Sequence[object]) -> Ints | None:
    """As an array, if all are integers of at most 2**40."""
    if not set(map(type, values)) <= {int}:
        return None
    try:
        found = np.fromiter(values, np.int64, len(values))
    except OverflowError:
        return None
    return found if (np.abs(found) <= 1 << 40).all() else None


def _nested(lists: Sequence[Any], width: int) -> tuple[Ints, Ints] | None:
    """Lists of lists of ``width`` integers: which list each comes from, and all of them, (n, width)."""
    if not set(map(type, lists)) <= {list, tuple}:
        return None
    parts = list(chain.from_iterable(lists))
    if not set(map(type, parts)) <= {list, tuple} or not set(map(len, parts)) <= {width}:
        return None
    values = _whole(list(chain.from_iterable(parts)))
    of = np.repeat(np.arange(len(lists)), np.fromiter(map(len, lists), np.int64, len(lists)))
    return None if values is None else (of, values.reshape(-1, width))


def _ranked(image: Ints, found: Ints) -> tuple[Ints, Ints]:
    """By image, falling score, then class, then box."""
    alone = np.diff(image) != 0
    if (alone | (np.diff(found[:, 1]) < 0)).all():
        return image, found  # as an honest run writes them
    order = np.lexsort((*found.T[:1:-1], found[:, 0], -found[:, 1], image))
    return image[order], found[order]


def _matched(read: _Read) -> Bools:
    """(10, d) ``match`` of every image: those with one box all at once, the others one by one."""
    right = np.zeros((len(IOU_PERCENTS), len(read.image)), bool)
    boxes = np.bincount(read.box_of, minlength=len(read.truth))
    first = np.cumsum(boxes) - boxes
    tame = np.abs(read.found[:, 2:]).max(axis=1, initial=0) < _TAME
    wild_box = read.box_of[np.abs(read.box).max(axis=1, initial=0) >= _TAME]
    single = boxes == 1
    single[read.image[~tame]] = single[wild_box] = False
    mine = np.flatnonzero(single[read.image] & (read.found[:, 0] == read.truth[read.image]))
    common, union = _overlaps(read.found[mine, 2:], read.box[first[read.image[mine]]])
    for column, percent in enumerate(IOU_PERCENTS):
        enough = mine[(union > 0) & (100 * common >= percent * union)]
        right[column, enough[np.diff(read.image[enough], prepend=-1) != 0]] = True  # the first takes the box
    others = np.flatnonzero(~single & (boxes > 0))
    starts, ends = (np.searchsorted(read.image, others + more).tolist() for more in (0, 1))
    for row, start, end in zip(others.tolist(), starts, ends, strict=True):
        if start < end:
            box = read.box[first[row] : first[row] + boxes[row]].tolist()
            marks = match(read.found[start:end].tolist(), int(read.truth[row]), box)
            right[:, start:end] = np.array(marks, bool).T
    return right


def _overlaps(one: Ints, other: Ints) -> tuple[Ints, Ints]:
    """``overlap`` of each pair of boxes below ``_TAME``, whose areas are within 64 bits."""
    width = np.minimum(one[:, 0] + one[:, 2], other[:, 0] + other[:, 2]) - np.maximum(one[:, 0], other[:, 0])
    height = np.minimum(one[:, 1] + one[:, 3], other[:, 1] + other[:, 3]) - np.maximum(one[:, 1], other[:, 1])
    common = np.maximum(width, 0) * np.maximum(height, 0)
    return common, one[:, 2] * one[:, 3] + other[:, 2] * other[:, 3] - common


def _check(rows: Sequence[Row]) -> None:
    """Each image once a fold, and as often as every other."""
    for row, after in pairwise(rows):
        if row["sha256"] == after["sha256"] and row["fold"] == after["fold"]:
            raise _refusal(row)
    if len(set(Counter(row["sha256"] for row in rows).values())) > 1:
        raise InvalidInput("an image was judged more often than another: each once a repeat", code="bad_predictions")


def _impossible(rows: Sequence[Row], classes: int) -> InvalidInput:
    """What is said of the first row that is at fault."""
    return _refusal(next((row for row in rows if not _possible(row, classes)), rows[0]))


def _refusal(row: Row) -> InvalidInput:
    return InvalidInput(
        f"the prediction of image {row['sha256'].hex()} is impossible: a class, score, box or fold is "
        "out of bounds, or the image stands twice",
        code="bad_predictions",
    )


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
