"""Every bootstrapped figure of every round, in integers.

Invariants: a round's figure has the definition of ``metrics``, an image counting as often as its group was
drawn; ratios, and means of them, are those of ``ratios``: exact, so no sum depends on the order of its terms.

Two stated rules keep large releases within bounds, and change nothing in small ones. More than ``BAGS`` groups are
dealt into as many bags, which are then drawn (``intervals.bags_of``); the area of a class with many ranks is summed in
steps (``areas``). Summing in steps biases every round alike. The interval of a figure depends only on how much the
rounds vary (``intervals.bounds``), so the bias has no effect on it. The interval of a difference depends on where the
rounds lie as well: ``comparison`` corrects them for the bias. Bags cause no bias.
"""

from __future__ import annotations

import numpy as np

from registry.evaluation.figures.areas import box_level, box_steps, image_level, image_steps
from registry.evaluation.figures.ratios import NONE, exact, mean_of, ratio_of
from registry.evaluation.input.columns import Columns, Ints
from registry.evaluation.intervals.intervals import Names, bags_of, draws

CELLS = 1 << 19  # rounds x steps, or rounds x bags, held at once: what a core's cache holds


def bootstrap(columns: Columns, names: Names, *, threshold: int | Ints, rounds: int, seed: int) -> dict[str, Ints]:
    """Figures' values in every round, (rounds,) each.

    ``names`` are the images' groups. Keys: macro_f1, micro_f1, weighted_f1, macro_precision, macro_recall,
    weighted_precision, pr_auc, map50, map50_95, and ``f1 N``, ``ap N``, ``ap50 N``, ``ap50_95 N`` of class N.
    """
    of_image, bags = bags_of(names)
    counts = _by_bag(columns, of_image, bags, threshold)
    labels = range(columns.classes)
    images = [image_steps(columns, of_image, bags, label) for label in labels]
    boxes = [box_steps(columns, of_image, bags, label) for label in labels]
    widest = max([bags, 1, *(len(one.everything.ends) for one in (*images, *boxes))])
    parts: list[dict[str, Ints]] = []
    for drawn in draws(bags, rounds, seed, max(1, CELLS // widest)):
        matrices = _matrices(counts, drawn, columns.classes)
        part, others = _of_matrix(matrices), _others(matrices)
        times = np.ascontiguousarray(drawn.T.astype(np.float32))  # how often each bag is drawn, (bags, rounds)
        of_images = [np.where(others[:, label] > 0, image_level(images[label], times), NONE) for label in labels]
        of_boxes = [box_level(one, times) for one in boxes]
        for label in labels:
            part[f"ap {label}"], part[f"ap50 {label}"] = of_images[label], of_boxes[label][0]
            part[f"ap50_95 {label}"] = mean_of(of_boxes[label])
        part["pr_auc"] = mean_of(of_images)
        part["map50"] = mean_of([found[0] for found in of_boxes])
        part["map50_95"] = mean_of([one for found in of_boxes for one in found])
        parts.append(part)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def of_confusion(columns: Columns, names: Names, *, threshold: int | Ints, rounds: int, seed: int) -> dict[str, Ints]:
    """Those of ``bootstrap``'s figures that follow from the confusion matrix alone."""
    of_image, bags = bags_of(names)
    counts = _by_bag(columns, of_image, bags, threshold)
    parts = [
        _of_matrix(_matrices(counts, drawn, columns.classes))
        for drawn in draws(bags, rounds, seed, max(1, CELLS // max(1, bags)))
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _by_bag(columns: Columns, of_image: Ints, bags: int, threshold: int | Ints) -> Ints:
    """Judgements by bag and cell of the confusion matrix."""
    width = columns.classes + 1
    cells = width * width
    place = of_image * cells + columns.truth * width + columns.predicted(threshold)
    return np.bincount(place, minlength=bags * cells).reshape(bags, cells)


def _matrices(by_bag: Ints, drawn: Ints, k: int) -> Ints:
    counts = exact(by_bag)
    return (drawn.astype(counts.dtype) @ counts).astype(np.int64).reshape(len(drawn), k + 1, k + 1)


def _others(counts: Ints) -> Ints:
    """(rounds, k) images that are not of each class."""
    truth = counts.sum(axis=2)
    others: Ints = truth.sum(axis=1, keepdims=True) - truth[:, :-1]
    return others


def _of_matrix(counts: Ints) -> dict[str, Ints]:
    k = counts.shape[1] - 1
    hits = counts[:, np.arange(k), np.arange(k)]
    truth, predicted = counts.sum(axis=2)[:, :k], counts.sum(axis=1)[:, :k]
    recall, precision = ratio_of(hits, truth), np.maximum(ratio_of(hits, predicted), 0)
    f1 = np.where(truth > 0, ratio_of(2 * hits, truth + predicted), NONE)
    several = (_others(counts) > 0).all(axis=1)  # of one truth alone no call can be wrong
    return {
        "macro_f1": mean_of(list(f1.T)),
        "micro_f1": ratio_of(2 * hits.sum(axis=1), truth.sum(axis=1) + predicted.sum(axis=1)),
        "weighted_f1": _weighted(f1, truth),
        "macro_precision": np.where(several, mean_of(list(np.where(truth > 0, precision, NONE).T)), NONE),
        "macro_recall": mean_of(list(recall.T)),
        "weighted_precision": np.where(several, _weighted(precision, truth), NONE),
        **{f"f1 {label}": f1[:, label] for label in range(k)},
    }


def _weighted(values: Ints, truth: Ints) -> Ints:
    """The mean over classes, each as often as it has images; what no image has counts nothing."""
    total = truth.sum(axis=1)
    return np.where(total > 0, (np.maximum(values, 0) * truth).sum(axis=1) // np.maximum(total, 1), NONE)
