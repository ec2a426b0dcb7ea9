"""Each figure bears its own name: what a release states is what the function of that name says."""

from __future__ import annotations

from fractions import Fraction

from registry.core.records import Metric
from registry.evaluation.decimals import six
from registry.evaluation.figures import calibration, metrics
from registry.evaluation.figures.figures import Rule, figures
from registry.evaluation.figures.thresholds import Thresholds
from registry.evaluation.input.reading import columns_of
from registry.evaluation.intervals.intervals import group_indices
from tests.evaluation.world import CLASSES, Row, crowd

AT = 400_000


def named(rows: list[Row], clusters: dict[bytes, bytes]) -> dict[str, Metric]:
    folds = {one["fold"] for one in rows}
    rule = Rule(CLASSES, Thresholds(dict.fromkeys(folds, AT), AT), rounds=20, min_group=5, seed=1)
    columns = columns_of(rows, 4)
    persons, _ = group_indices([clusters.get(key, key) for key in columns.keys])
    return {one.name: one for one in figures(columns, persons, rule)}


def test_every_figure_is_the_one_that_it_is_called() -> None:
    rows, clusters = crowd(150, 4)
    for found_box in (box for one in rows for box in one["detections"]):
        found_box[2] += found_box[1] % 2500  # so that every IoU counts others as right
    columns, found = columns_of(rows, 4), named(rows, clusters)
    counts = metrics.confusion_of(columns, AT)
    hits, predicted = int(counts.trace()), int(counts[:, :4].sum())
    counts_of = counts.sum(axis=1)[:4].tolist()
    f1, precision, recall = metrics.class_f1, metrics.class_precision, metrics.class_recall
    wanted: dict[str, Fraction | None] = {
        "macro_f1": metrics.macro(counts, f1),
        "macro_precision": metrics.macro(counts, precision),
        "macro_recall": metrics.macro(counts, recall),
        "weighted_f1": metrics.weighted(counts, f1),
        "weighted_precision": metrics.weighted(counts, precision),
        "weighted_recall": metrics.weighted(counts, recall),
        "micro_f1": metrics.micro_f1(counts),
        "micro_precision": Fraction(hits, predicted),
        "micro_recall": Fraction(hits, 150),
        "accuracy": Fraction(hits, 150),
        "pr_auc": metrics.pr_auc(columns),
        "map50": metrics.mean_average_precision(columns, (50,)),
        "map50_95": metrics.mean_average_precision(columns),
        "macro_auc": metrics.mean(metrics.class_auc(columns, label) for label in range(4)),
        "ece": calibration.expected_error(calibration.bins_of(columns, AT)),
        "false_alarm_rate": None,
        "recall_gap(class)": metrics.recall_gap(counts, 5),
    }
    for label, name in enumerate(CLASSES):
        boxes = metrics.box_ap(columns, label)
        wanted |= {
            f"f1({name})": f1(counts, label),
            f"precision({name})": precision(counts, label),
            f"recall({name})": recall(counts, label),
            f"ap({name})": metrics.class_ap(columns, label),
            f"ap50({name})": boxes[0],
            f"ap50_95({name})": metrics.mean(boxes),
            f"auc({name})": metrics.class_auc(columns, label),
        }
    assert {name: one.value for name, one in found.items()} == {name: six(value) for name, value in wanted.items()}
    assert len({value for name, value in wanted.items() if "(" not in name}) == 14  # of 16, three are one by definition
    called_of = counts[:, :4].sum(axis=0).tolist()
    assert [found[f"precision({name})"].n for name in CLASSES] == called_of
    assert [found[f"f1({name})"].n for name in CLASSES] == counts_of
    assert (found["macro_f1"].n, found["ece"].n, found["micro_precision"].n) == (150, predicted, predicted)


def test_n_counts_images_however_often_they_were_judged() -> None:
    rows, clusters = crowd(60, 3)
    once = named(rows, clusters)
    thrice = named([{**one, "fold": one["fold"] + 5 * repeat} for one in rows for repeat in range(3)], clusters)
    assert {name: one.n for name, one in thrice.items()} == {name: one.n for name, one in once.items()}
    of_images = [name for name in once if not name.startswith(("ap50", "map"))]  # equal boxes tie, and stand in a row
    assert [thrice[name].value for name in of_images] == [once[name].value for name in of_images]
