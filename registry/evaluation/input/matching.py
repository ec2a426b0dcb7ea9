"""Matching of detections to true boxes, by COCO's rule.

Invariant: exact: overlaps are compared as integers, areas beyond 64 bits as Python's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from registry.evaluation.input.columns import IOU_PERCENTS, Bools, Ints

_TAME = 1 << 27  # coordinates below this make no area, a hundredfold, beyond 64 bits


@dataclass(frozen=True)
class Numbers:
    """Rows' numbers: of each row, true box (4 wide) and detection (6 wide: class, score, box). Boxes and detections
    stand in the order of their rows; a row's detections are ranked by falling score, then class, then box."""

    fold: Ints
    truth: Ints
    box_of: Ints  # row of each box
    box: Ints
    image: Ints  # row of each detection
    values: Ints


def matched(found: Numbers) -> Bools:
    """(10, d) ``match`` of every image: those with one box all at once, the others one by one."""
    right = np.zeros((len(IOU_PERCENTS), len(found.image)), bool)
    boxes = np.bincount(found.box_of, minlength=len(found.truth))
    first = np.cumsum(boxes) - boxes
    tame = np.abs(found.values[:, 2:]).max(axis=1, initial=0) < _TAME
    wild_box = found.box_of[np.abs(found.box).max(axis=1, initial=0) >= _TAME]
    single = boxes == 1
    single[found.image[~tame]] = single[wild_box] = False
    mine = np.flatnonzero(single[found.image] & (found.values[:, 0] == found.truth[found.image]))
    common, union = _overlaps(found.values[mine, 2:], found.box[first[found.image[mine]]])
    for column, percent in enumerate(IOU_PERCENTS):
        enough = mine[(union > 0) & (100 * common >= percent * union)]
        right[column, enough[np.diff(found.image[enough], prepend=-1) != 0]] = True  # the first takes the box
    others = np.flatnonzero(~single & (boxes > 0))
    starts, ends = (np.searchsorted(found.image, others + more).tolist() for more in (0, 1))
    for row, start, end in zip(others.tolist(), starts, ends, strict=True):
        if start < end:
            box = found.box[first[row] : first[row] + boxes[row]].tolist()
            marks = match(found.values[start:end].tolist(), int(found.truth[row]), box)
            right[:, start:end] = np.array(marks, bool).T
    return right


def _overlaps(one: Ints, other: Ints) -> tuple[Ints, Ints]:
    """``overlap`` of each pair of boxes below ``_TAME``, whose areas are within 64 bits."""
    width = np.minimum(one[:, 0] + one[:, 2], other[:, 0] + other[:, 2]) - np.maximum(one[:, 0], other[:, 0])
    height = np.minimum(one[:, 1] + one[:, 3], other[:, 1] + other[:, 3]) - np.maximum(one[:, 1], other[:, 1])
    common = np.maximum(width, 0) * np.maximum(height, 0)
    return common, one[:, 2] * one[:, 3] + other[:, 2] * other[:, 3] - common


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
