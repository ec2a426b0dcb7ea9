"""Point figures from predictions, exactly: integers in, fractions out, None where there is nothing to divide by.

An image's prediction is its detection with the highest score at or above the threshold (ties: the smaller
class), otherwise "nothing". The confusion matrix is truth by prediction, (k + 1, k + 1), its last row and column
"nothing": a picture that shows none of the classes is right where nothing is predicted, and otherwise a false alarm of
the predicted class. F1 of a class is 2TP / (2TP + FP + FN); macro_f1 is its mean over the classes that some image has;
micro_f1 counts "nothing" as a miss, not as a false alarm; accuracy is right images of all images. Where every image is
of one class, no prediction of it can be wrong: its precision and average precision would be 1 whatever is found, so
they are None.

Two figures are easily confused, so they bear different names. ``pr_auc`` is of images: each is ranked by its
highest score for the class (0 if there is none), average precision as scikit-learn's average_precision_score
(a step at each distinct score), then the mean over the classes that some image has. ``map50`` and ``map50_95``
are of boxes: matched greedily by score at IoU 0.5 (0.50 to 0.95 by 0.05), precision interpolated at 101 recalls
as COCO does (Lin et al. 2014), with no limit of 100 detections an image, and recalls compared exactly (pycocotools
compares floats, which moves single recalls by one detection).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

import numpy as np

from registry.evaluation.decimals import exact_sum, exact_sum_of
from registry.evaluation.input.columns import IOU_PERCENTS, Bools, Columns, Ints


def confusion_of(columns: Columns, threshold: int | Ints) -> Ints:
    """Truth by prediction, shape (k + 1, k + 1)."""
    width = columns.classes + 1
    cells = columns.truth * width + columns.predicted(threshold)
    return np.bincount(cells, minlength=width * width).reshape(width, width).astype(np.int64)


def ratio(part: int, whole: int) -> Fraction | None:
    """None where there is nothing to divide by."""
    return Fraction(int(part), int(whole)) if whole else None


def class_recall(counts: Ints, label: int) -> Fraction | None:
    """Of the images of a class, the share predicted as it."""
    return ratio(counts[label, label], counts[label].sum())


def class_precision(counts: Ints, label: int) -> Fraction | None:
    """Of the images predicted as the class, the share that is; None where every image is of it."""
    return ratio(counts[label, label], counts[:, label].sum()) if has_negatives(counts, label) else None


def has_negatives(counts: Ints, label: int) -> bool:
    """Whether some image is not of a class."""
    return bool(counts.sum() > counts[label].sum())


def one_truth(counts: Ints) -> bool:
    """Whether all images are of one class."""
    return any(not has_negatives(counts, label) for label in present(counts))


def class_f1(counts: Ints, label: int) -> Fraction | None:
    """2TP / (2TP + FP + FN)."""
    return ratio(2 * counts[label, label], counts[label].sum() + counts[:, label].sum())


def mean(values: Iterable[Fraction | None]) -> Fraction | None:
    """The mean of those that exist."""
    found = [(value.numerator, value.denominator) for value in values if value is not None]
    return exact_sum(found) / len(found) if found else None


def present(counts: Ints) -> list[int]:
    """Classes that some image has."""
    return [label for label in range(len(counts) - 1) if counts[label].sum()]


def macro_f1(counts: Ints) -> Fraction | None:
    """Mean F1 over the classes that some image has."""
    return mean(class_f1(counts, label) for label in present(counts))


def macro(counts: Ints, figure: Callable[[Ints, int], Fraction | None]) -> Fraction | None:
    """The mean of a class's figure over the classes that some image has; 0 for one that is never predicted."""
    if figure is class_precision and one_truth(counts):
        return None
    return mean(figure(counts, label) or Fraction(0) for label in present(counts))


def weighted(counts: Ints, figure: Callable[[Ints, int], Fraction | None]) -> Fraction | None:
    """The same, each class counting as often as there are images of it."""
    if figure is class_precision and one_truth(counts):
        return None
    values = [(int(counts[label].sum()), figure(counts, label) or Fraction(0)) for label in present(counts)]
    found = exact_sum([(count * value.numerator, value.denominator) for count, value in values])
    return found / int(counts[:-1].sum()) if values else None


def micro_f1(counts: Ints) -> Fraction | None:
    """F1 of all decisions together."""
    return ratio(2 * int(np.trace(counts[:-1, :-1])), counts[:-1].sum() + counts[:, :-1].sum())


def accuracy(counts: Ints) -> Fraction | None:
    """Right images of all images."""
    return ratio(int(np.trace(counts)), counts.sum())


def recall_gap(counts: Ints, min_group: int) -> Fraction | None:
    """Best class's recall less the worst's; None if a class has fewer than ``min_group`` images, or if there is one."""
    there = present(counts)
    if len(there) < 2 or min(int(counts[label].sum()) for label in there) < min_group:
        return None
    known = [Fraction(int(counts[label, label]), int(counts[label].sum())) for label in there]
    return max(known) - min(known)


def average_precision(scores: Ints, truth: Bools) -> Fraction | None:
    """Sum over distinct scores of (recall gained) x precision; None without a positive, or without a negative."""
    positives = int(truth.sum())
    if positives in (0, len(truth)):
        return None
    _, right, total = by_score(scores, truth)
    gained = np.diff(right, prepend=0)
    some = gained > 0
    return exact_sum_of((gained * right)[some], total[some]) / positives


def by_score(scores: Ints, truth: Bools) -> tuple[Ints, Ints, Ints]:
    """Each distinct score, falling; how many with it or above it are true, and how many there are."""
    both = np.sort(-2 * scores - truth)  # numbers are sorted faster than their places
    ends = np.flatnonzero(np.append(np.diff(-both >> 1) != 0, True))[: len(both)]
    return -both[ends] >> 1, np.cumsum(-both & 1)[ends], ends + 1


def pr_auc(columns: Columns) -> Fraction | None:
    """Macro image-level average precision."""
    return mean(class_ap(columns, label) for label in range(columns.classes))


def class_ap(columns: Columns, label: int) -> Fraction | None:
    """One class's image-level average precision."""
    return average_precision(columns.scores[:, label], columns.truth == label)


def class_auc(columns: Columns, label: int) -> Fraction | None:
    """Area under the ROC of one class against the rest, images ranked by their highest score for it: the chance that
    an image of the class ranks above one that is not, ties counting half. None where either side is empty."""
    truth = columns.truth == label
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return None
    _, right, total = by_score(columns.scores[:, label], truth)
    yes, all_no = np.diff(right, prepend=0), total - right
    no = np.diff(all_no, prepend=0)
    return Fraction(int((yes * (2 * (negatives - all_no) + no)).sum()), 2 * positives * negatives)


def interpolated_precision(right: Bools, positives: int) -> Fraction | None:
    """COCO's AP: precision at 101 recalls, each the best at that recall or beyond. ``right`` by falling score."""
    if not positives:
        return None
    ranks = np.flatnonzero(right) + 1  # precision is highest, and recall grows, only where one is right
    hits = np.arange(1, len(ranks) + 1)
    beyond = (hits / ranks)[::-1]  # as doubles: two of them are equal only if the fractions are, below 2**26 ranks
    best = np.maximum.accumulate(beyond)
    place = len(hits) - 1 - np.maximum.accumulate(np.where(beyond == best, hits - 1, 0))[::-1]
    steps = np.diff(100 * hits // positives, prepend=-1)  # recalls between the one before and this one
    some = steps > 0
    return exact_sum_of((steps * hits[place])[some], ranks[place][some]) / 101


def box_ap(columns: Columns, label: int, percents: Sequence[int] = IOU_PERCENTS) -> list[Fraction | None]:
    """One class's COCO AP of boxes at each IoU."""
    positives = int(columns.boxes[columns.truth == label].sum())
    mine = np.flatnonzero(columns.kind == label)
    return [interpolated_precision(columns.right[IOU_PERCENTS.index(percent), mine], positives) for percent in percents]


def mean_average_precision(columns: Columns, percents: Sequence[int] = IOU_PERCENTS) -> Fraction | None:
    """Mean over classes with a box, and over IoUs, of the detections' AP."""
    return mean(one for label in range(columns.classes) for one in box_ap(columns, label, percents))
