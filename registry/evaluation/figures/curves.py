"""Curves from predictions, named KIND(CLASS), KIND(macro) or KIND(all).

- ``pr(CLASS)``: recall and precision of images, a point at each distinct score of the class, from (0, 1);
- ``pr50(CLASS)``: the same of boxes at IoU 0.5, a point at each detection in the order of the columns;
- ``roc(CLASS)``: false and true positive rate of images, a point at each distinct score, from (0, 0);
- ``f1_confidence``, ``precision_confidence``, ``recall_confidence`` of (CLASS) and of (macro), over the classes that
  some image has: confidence from 0 to 1 in steps of a hundredth; a class without predictions counts 0;
- ``train_loss``, ``val_loss``, ``loss_gap`` of (fold N) or (refit): see ``overfitting``;
- ``f1_50_confidence``, of (CLASS) and of (macro): F1 of boxes at IoU 0.5 among the detections at or above a threshold,
  as ultralytics draws it (unsmoothed);
- ``reliability(all)``: mean confidence and share right, and the count as a third member (see ``calibration``).

Points are [x, y] as decimal strings of six places. A curve has at most ``MOST`` points: of m more, those at the
positions floor(i (m - 1) / (MOST - 1)) for i from 0 to MOST - 1, so that the first and the last stay. Areas are never
computed from curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from registry.core.text.figure_names import of_class
from registry.evaluation.decimals import exact_sum, six, six_ratio
from registry.evaluation.figures import calibration, metrics
from registry.evaluation.input.columns import Columns, Ints

Points = list[list[str]]
STEPS = 100
MOST = 1000
START = ["0.000000", "1.000000"]


def thinned(count: int) -> list[int]:
    """Which of ``count`` positions a curve keeps."""
    if count <= MOST:
        return list(range(count))
    return [place * (count - 1) // (MOST - 1) for place in range(MOST)]


def _points(right: Ints, total: Ints, positives: int) -> Points:
    """Recall and precision after each of some ranks, from (0, 1)."""
    kept = [place - 1 for place in thinned(len(right) + 1)[1:]]
    pairs = zip(right[kept].tolist(), total[kept].tolist(), strict=True)
    return [list(START), *([six_ratio(hits, positives), six_ratio(hits, count)] for hits, count in pairs)]


def precision_recall(columns: Columns, label: int) -> Points:
    """Of the images of one class; nothing where no image has the class, or every one."""
    truth = columns.truth == label
    positives = int(truth.sum())
    if positives in (0, len(truth)):
        return []
    return _points(*metrics.by_score(columns.scores[:, label], truth)[1:], positives)


def box_precision_recall(columns: Columns, label: int) -> Points:
    """Of the boxes of one class at IoU 0.5; nothing where there is none."""
    positives = int(columns.boxes[columns.truth == label].sum())
    right = columns.right[0, columns.kind == label]
    return _points(np.cumsum(right), np.arange(1, len(right) + 1), positives) if positives else []


def roc(columns: Columns, label: int) -> Points:
    """False and true positive rate of the images of one class against the rest; nothing where a side is empty."""
    truth = columns.truth == label
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return []
    right, total = (np.concatenate([[0], part]) for part in metrics.by_score(columns.scores[:, label], truth)[1:])
    kept = thinned(len(right))
    pairs = zip((total - right)[kept].tolist(), right[kept].tolist(), strict=True)
    return [[six_ratio(wrong, negatives), six_ratio(hits, positives)] for wrong, hits in pairs]


def _matrices(columns: Columns) -> Ints:
    """Confusion matrices at every step of confidence, (STEPS + 1, k + 1, k + 1)."""
    k, width = columns.classes, columns.classes + 1
    predicted = columns.best_score >= 0
    step = columns.best_score[predicted] * STEPS // 1_000_000
    cells = (step * width + columns.truth[predicted]) * width + columns.best[predicted]
    flat = np.bincount(cells, minlength=(STEPS + 1) * width * width)
    counts = flat.reshape(STEPS + 1, width, width).astype(np.int64)
    counts = np.flip(np.cumsum(np.flip(counts, axis=0), axis=0), axis=0)
    counts[:, :, k] = np.bincount(columns.truth, minlength=width) - counts[:, :, :k].sum(axis=2)
    return counts


KINDS = {"f1": metrics.class_f1, "precision": metrics.class_precision, "recall": metrics.class_recall}


def by_confidence(columns: Columns, classes: Sequence[str]) -> dict[str, Points]:
    """``f1_``, ``precision_`` and ``recall_confidence`` of each class, and their means, ``macro_...``."""
    found: dict[str, Points] = {of_class(f"{kind}_confidence", name): [] for kind in KINDS for name in classes}
    macro: dict[str, Points] = {f"macro_{kind}_confidence": [] for kind in KINDS}
    every = found | macro
    before: Ints | None = None
    values: dict[str, str] = {}
    for step, counts in enumerate(_matrices(columns)):
        if before is None or not np.array_equal(before, counts):  # at most steps no image's call changes
            values, before = _at_step(counts, classes), counts
        x = six_ratio(step, STEPS)
        for name, value in values.items():
            every[name].append([x, value])
    return every


def _at_step(counts: Ints, classes: Sequence[str]) -> dict[str, str]:
    """The values of ``by_confidence`` of one confusion matrix."""
    zero = Fraction(0)
    found = {}
    for kind, figure in KINDS.items():
        for label, name in enumerate(classes):
            found[of_class(f"{kind}_confidence", name)] = six(figure(counts, label) or zero) or ""
        found[f"macro_{kind}_confidence"] = six(metrics.macro(counts, figure) or zero) or ""
    return found


def box_f1(columns: Columns, label: int) -> list[tuple[int, int]]:
    """At each step of confidence 2TP and 2TP + FP + FN of the boxes of one class at IoU 0.5."""
    positives = int(columns.boxes[columns.truth == label].sum())
    mine = columns.kind == label
    step, right = columns.score[mine] * STEPS // 1_000_000, columns.right[0, mine]
    found, hits = (np.bincount(part, minlength=STEPS + 1)[::-1].cumsum()[::-1] for part in (step, step[right]))
    return [(2 * hit, count + positives) for hit, count in zip(hits.tolist(), found.tolist(), strict=True)]


def box_macro_f1(columns: Columns) -> list[Fraction] | None:
    """At each step the mean of the boxes' F1 over the classes that some box has; None where there is no box."""
    there = [label for label in range(columns.classes) if columns.boxes[columns.truth == label].sum()]
    by_class = [box_f1(columns, label) for label in there]
    return [exact_sum(list(at_step)) / len(there) for at_step in zip(*by_class, strict=True)] if there else None


def box_by_confidence(columns: Columns, classes: Sequence[str]) -> dict[str, Points]:
    """``f1_50_confidence`` of each class, and ``macro_f1_50_confidence``."""
    found: dict[str, Points] = {}
    for label, name in enumerate(classes):
        pairs = box_f1(columns, label)
        found[of_class("f1_50_confidence", name)] = [
            [six_ratio(step, STEPS), six_ratio(part, max(1, whole))] for step, (part, whole) in enumerate(pairs)
        ]
    macro = box_macro_f1(columns) or [Fraction(0)] * (STEPS + 1)
    found["macro_f1_50_confidence"] = [[six_ratio(step, STEPS), six(one) or ""] for step, one in enumerate(macro)]
    return found


def all_curves(columns: Columns, classes: Sequence[str], threshold: int | Ints) -> dict[str, Points]:
    """Every curve by name; ``threshold`` is what an image's call needs."""
    found = by_confidence(columns, classes) | box_by_confidence(columns, classes)
    for kind, curve in (("pr", precision_recall), ("pr50", box_precision_recall), ("roc", roc)):
        found |= {of_class(kind, name): curve(columns, label) for label, name in enumerate(classes)}
    found["reliability(all)"] = calibration.reliability(calibration.bins_of(columns, threshold))
    return found
