"""Calibration of an image's prediction: of those with confidence 0.8, are 80 of 100 right?

Invariants: exact; an image without a prediction at its threshold has no confidence and is left out (``n`` counts the
others). Bins are fifteen of equal width, [i / 15, (i + 1) / 15), the last closed; a bin's confidence is the mean score
in it, never its middle. The expected calibration error is the mean over the predicted images of their bin's
|share right - mean score| (Naeini et al. 2015, with the bins of Guo et al. 2017, whose are closed on the right).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from registry.evaluation.decimals import six_ratio
from registry.evaluation.input.columns import Columns, Ints

BINS = 15
MILLION = 1_000_000


@dataclass(frozen=True)
class Bins:
    """By bin: predicted images, the right ones of them, and the sum of their scores in millionths."""

    count: Ints
    right: Ints
    score: Ints


def predicted_bins(columns: Columns, threshold: int | Ints) -> tuple[Ints, Ints]:
    """(n) bin of each image's prediction, ``BINS`` where it has none; and (n) whether it is right, 0 or 1."""
    said = columns.predicted(threshold)
    place = np.minimum(columns.best_score * BINS // MILLION, BINS - 1)
    return np.where(said < columns.classes, place, BINS), (said == columns.truth).astype(np.int64)


def bins_of(columns: Columns, threshold: int | Ints) -> Bins:
    """All images' bins."""
    place, right = predicted_bins(columns, threshold)
    predicted = place < BINS
    place = place[predicted]

    def summed(values: Ints) -> Ints:
        found = np.zeros(BINS, np.int64)
        np.add.at(found, place, values[predicted])
        return found

    return Bins(np.bincount(place, minlength=BINS), summed(right), summed(columns.best_score))


def expected_error(bins: Bins) -> Fraction | None:
    """The expected calibration error; None without predictions."""
    total = int(bins.count.sum())
    if not total:
        return None
    return Fraction(int(np.abs(bins.score - MILLION * bins.right).sum()), MILLION * total)


def reliability(bins: Bins) -> list[list[str]]:
    """[mean confidence, share right, count] of each bin that holds an image, by rising confidence."""
    rows = zip(bins.count.tolist(), bins.right.tolist(), bins.score.tolist(), strict=True)
    return [
        [six_ratio(score, MILLION * count), six_ratio(right, count), str(count)]
        for count, right, score in rows
        if count
    ]


def errors_by_group(columns: Columns, threshold: int | Ints, code: Ints, groups: int) -> list[tuple[int, Fraction]]:
    """Of each group (``code``: (n) its number, -1 for none): predicted images, and their expected calibration error."""
    place, right = predicted_bins(columns, threshold)
    inside = (place < BINS) & (code >= 0)
    cells = (code * BINS + place)[inside]
    error = np.zeros(groups * BINS, np.int64)
    np.add.at(error, cells, (columns.best_score - MILLION * right)[inside])
    count = np.bincount(cells, minlength=groups * BINS).reshape(groups, BINS).sum(axis=1)
    sums = np.abs(error.reshape(groups, BINS)).sum(axis=1)
    return [
        (predicted, Fraction(one, MILLION * max(1, predicted)))
        for predicted, one in zip(count.tolist(), sums.tolist(), strict=True)
    ]
