"""How sure a figure is: Wilson's interval for proportions, the cluster bootstrap for everything else.

The bootstrap draws whole groups (a person's images stay together). Its random numbers are Philox 4x64-10's
raw 64-bit output under key (seed, 0), counter 0, taken in order; draw number i picks group
``((raw >> 32) * groups) >> 32``. Library versions can't change it. Bounds are order statistics (no
interpolation) at ceil(0.025 R) and ceil(0.975 R) of R sorted rounds.

Sources: Wilson 1927; Efron and Tibshirani 1993, chapter 13 (percentile); Salmon et al. 2011 (Philox).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.evaluation.decimals import six

Z = Decimal("1.959963984540054")  # 95 %
Weights = NDArray[np.int64]  # (rounds, images): how often each image was drawn
Values = NDArray[np.float64]


def wilson(right: int, total: int) -> tuple[str, str] | None:
    """95 % interval of a proportion as decimals of six places; None of nothing."""
    if not total:
        return None
    with localcontext() as context:
        context.prec = 50
        n, p, z2 = Decimal(total), Decimal(right) / Decimal(total), Z * Z
        centre = p + z2 / (2 * n)
        spread = Z * ((p * (1 - p) + z2 / (4 * n)) / n).sqrt()
        low, high = (centre - spread) / (1 + z2 / n), (centre + spread) / (1 + z2 / n)
        return six(max(low, Decimal(0))) or "", six(min(high, Decimal(1))) or ""


def draw_weights(clusters: Sequence[bytes], rounds: int, seed: int) -> Weights:
    """How often each image is drawn in each round; ``clusters`` names each image's group."""
    names = sorted(set(clusters))
    position = {name: index for index, name in enumerate(names)}
    of_image = np.array([position[name] for name in clusters], np.int64)
    generator = np.random.Philox(key=np.array([seed, 0], np.uint64))
    raw = generator.random_raw(rounds * len(names)).reshape(rounds, len(names))
    picked = ((raw >> np.uint64(32)) * np.uint64(len(names))) >> np.uint64(32)
    offsets = np.arange(rounds, dtype=np.int64)[:, None] * len(names)
    drawn = np.bincount((picked.astype(np.int64) + offsets).ravel(), minlength=rounds * len(names))
    return drawn.reshape(rounds, len(names))[:, of_image].astype(np.int64)


def bounds(values: Values) -> tuple[str, str] | None:
    """Percentile bounds of rounds' values, as decimals of six places; None if fewer than half are numbers."""
    known = np.sort(values[~np.isnan(values)])
    if 2 * len(known) < len(values) or not len(known):
        return None
    low, high = -(-25 * len(known) // 1000) - 1, -(-975 * len(known) // 1000) - 1
    return six(Decimal(float(known[low]))) or "", six(Decimal(float(known[high]))) or ""


def _divide(part: Values, whole: Values) -> Values:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)


def mean_of(columns: Sequence[Values]) -> Values:
    """Mean over those that are numbers, added in order, so that every machine rounds alike."""
    total, count = np.zeros_like(columns[0]), np.zeros_like(columns[0])
    for column in columns:
        known = ~np.isnan(column)
        total, count = total + np.where(known, column, 0.0), count + known
    return _divide(total, count)


def confusion_rounds(truth: NDArray[np.int64], said: NDArray[np.int64], classes: int, weights: Weights) -> Weights:
    """Confusion matrices of all rounds, (rounds, classes, classes + 1); ``said`` is ``classes`` for nothing."""
    cell = truth * (classes + 1) + said
    flat = np.zeros((len(weights), classes * (classes + 1)), np.int64)
    for value in np.unique(cell).tolist():
        flat[:, value] = weights[:, cell == value].sum(axis=1)
    return flat.reshape(len(weights), classes, classes + 1)


def matrix_rounds(counts: Weights) -> Mapping[str, Values]:
    """macro_f1, micro_f1, accuracy, recall_gap, and per class f1 (by "f1", class index), of all rounds."""
    classes = counts.shape[1]
    right = [counts[:, label, label].astype(np.float64) for label in range(classes)]
    truth = [counts[:, label, :].sum(axis=1).astype(np.float64) for label in range(classes)]
    called = [counts[:, :, label].sum(axis=1).astype(np.float64) for label in range(classes)]
    f1 = [np.where(truth[i] > 0, _divide(2 * right[i], truth[i] + called[i]), np.nan) for i in range(classes)]
    recall = np.stack([_divide(right[i], truth[i]) for i in range(classes)])
    hits, all_truth, all_called = (np.sum(np.stack(part), axis=0) for part in (right, truth, called))
    with np.errstate(invalid="ignore"):
        gap = np.fmax.reduce(recall) - np.fmin.reduce(recall)
    found: dict[str, Values] = {
        "macro_f1": mean_of(f1),
        "micro_f1": _divide(2 * hits, all_truth + all_called),
        "accuracy": _divide(hits, all_truth),
        "recall_gap": gap,
    }
    return {**found, **{f"f1 {label}": f1[label] for label in range(classes)}}


def ranking_rounds(
    scores: NDArray[np.int64], right: NDArray[np.bool_], weights: Weights, positives: Values
) -> tuple[Values, Values]:
    """Weighted hits and totals at the end of each distinct score, (rounds, scores) each, by falling score."""
    order = np.argsort(-scores, kind="stable")
    drawn = weights[:, order]
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(drawn * right[order], axis=1)[:, ends].astype(np.float64)
    totals = np.cumsum(drawn, axis=1)[:, ends].astype(np.float64)
    return hits, totals


def average_precision_rounds(scores: NDArray[np.int64], truth: NDArray[np.bool_], weights: Weights) -> Values:
    """Image-level average precision of all rounds."""
    positives = weights[:, truth].sum(axis=1).astype(np.float64)
    hits, totals = ranking_rounds(scores, truth, weights, positives)
    gained = np.diff(hits, axis=1, prepend=0.0)
    total = np.zeros(len(weights))
    precision = np.nan_to_num(_divide(hits, totals))
    for index in range(hits.shape[1]):
        total = total + gained[:, index] * precision[:, index]
    return _divide(total, positives)


def interpolated_rounds(right: NDArray[np.bool_], weights: Weights, positives: Values) -> Values:
    """COCO's AP of all rounds; detections by falling score, each drawn as often as its image."""
    if not right.size:
        return np.where(positives > 0, 0.0, np.nan)
    hits = np.cumsum(weights * right, axis=1).astype(np.float64)
    totals = np.cumsum(weights, axis=1).astype(np.float64)
    best = np.flip(np.maximum.accumulate(np.flip(np.nan_to_num(_divide(hits, totals)), axis=1), axis=1), axis=1)
    out = np.full(len(weights), np.nan)
    steps = np.arange(101, dtype=np.float64)
    for number in np.flatnonzero(positives > 0).tolist():
        at = np.searchsorted(100 * hits[number], steps * positives[number], side="left")
        taken = np.append(best[number], 0.0)[at]
        out[number] = float(np.add.accumulate(taken)[-1]) / 101
    return out


def cluster_names(rows: Sequence[Mapping[str, Any]], clusters: Mapping[bytes, bytes]) -> list[bytes]:
    """Each image's group; an image without one is its own."""
    return [clusters.get(row["sha256"], row["sha256"]) for row in rows]
