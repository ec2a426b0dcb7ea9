"""Predictions as columns, so that every figure is a few array operations.

Invariants: images are in order of their sha256; detections are ranked by falling score, ties by the image's
sha256, then class, then box; an image's call is its first detection in that order (so a tie goes to the smaller class).
With repeated folds an image has a row a repeat: as many as every other. ``reading`` makes them from rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import compress, islice
from operator import ne

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
IOU_PERCENTS = tuple(range(50, 100, 5))


@dataclass(frozen=True)
class Columns:
    """n images and d detections of k classes. Scores are in millionths."""

    keys: tuple[bytes, ...]  # (n) sha256; with repeated folds each as often as there are repeats
    fold: Ints  # (n)
    truth: Ints  # (n) class, k of a picture that shows none
    boxes: Ints  # (n) how many true boxes, all of the truth's class; none where there is none
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
        images = 1 + sum(map(ne, self.keys, islice(self.keys, 1, None)))  # equal keys are neighbours
        return max(1, len(self.keys) // int(images))

    def predicted(self, threshold: int | Ints) -> Ints:
        """(n) predicted class at a threshold in millionths (of all images, or one an image), k for nothing."""
        return np.where(self.best_score >= threshold, self.best, self.classes)


def take(columns: Columns, images: Bools) -> Columns:
    """The chosen images alone (a mask), in the same order."""
    place = np.cumsum(images) - 1
    kept = images[columns.image]
    return Columns(
        keys=tuple(compress(columns.keys, images.tolist())),
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
