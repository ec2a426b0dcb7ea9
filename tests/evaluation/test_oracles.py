"""Boxes against pycocotools and torchmetrics, calibration against torchmetrics.

Both compare recalls as floats: with their own thresholds (numpy's linspace) a recall of 0.29 may fall on either side.
Given the hundredths themselves, correctly rounded, equal is equal, and the figures are the same.
"""

from __future__ import annotations

import contextlib
import io
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchmetrics.detection import MeanAveragePrecision
from torchmetrics.functional.classification import binary_calibration_error

from registry.evaluation.figures import metrics
from registry.evaluation.figures.calibration import BINS, bins_of, expected_error, predicted_bins
from registry.evaluation.input.columns import IOU_PERCENTS
from registry.evaluation.input.reading import columns_of
from tests.evaluation.world import Row, crowd, row, worlds

RECALLS = [step / 100 for step in range(101)]
IOUS = [percent / 100 for percent in IOU_PERCENTS]


def cocos(rows: list[Row], k: int) -> np.ndarray[Any, Any]:
    """COCOeval's precision, averaged over recalls: (10 IoUs, k), -1 where a class has no box."""
    rows = sorted(rows, key=lambda one: one["sha256"])
    boxes: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for image, one in enumerate(rows, 1):
        for box in one["boxes"]:
            boxes.append(
                {
                    "id": len(boxes) + 1,
                    "image_id": image,
                    "category_id": one["truth"] + 1,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                }
            )
        for kind, score, *box in sorted(one["detections"], key=lambda item: (-item[1], item)):
            found.append({"image_id": image, "category_id": kind + 1, "bbox": box, "score": score / 1_000_000})
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": image} for image in range(1, len(rows) + 1)],
            "annotations": boxes,
            "categories": [{"id": label + 1} for label in range(k)],
        }
        truth.createIndex()
        judged = COCOeval(truth, truth.loadRes(found), "bbox")
        judged.params.recThrs, judged.params.iouThrs = np.array(RECALLS), np.array(IOUS)
        judged.params.maxDets = [1000]
        judged.params.areaRng, judged.params.areaRngLbl = [[0, 1e10]], ["all"]
        judged.evaluate()
        judged.accumulate()
    precision = judged.eval["precision"][:, :, :, 0, 0]
    return np.asarray(precision.mean(axis=1))


def same_as_cocos(rows: list[Row], k: int) -> None:
    if not any(one["detections"] for one in rows):  # loadRes takes no empty list
        return
    theirs, columns = cocos(rows, k), columns_of(rows, k)
    for label in range(k):
        for place, ours in enumerate(metrics.box_ap(columns, label)):
            if ours is None:
                assert theirs[place, label] == -1
            else:
                assert float(ours) == pytest.approx(theirs[place, label], abs=1e-12)
    known = theirs[theirs >= 0]
    ours = metrics.mean_average_precision(columns)
    assert ours is not None
    assert float(ours) == pytest.approx(known.mean(), abs=1e-12)


@given(worlds(most=10))
@settings(deadline=None, max_examples=60)
def test_boxes_are_pycocotools(world: tuple[list[Row], int]) -> None:
    same_as_cocos(*world)


def test_many_boxes_are_pycocotools() -> None:
    same_as_cocos(crowd(200, 5)[0], 4)


def torchs(rows: list[Row]) -> tuple[float, float]:
    judged = MeanAveragePrecision(
        box_format="xywh", iou_thresholds=IOUS, rec_thresholds=RECALLS, max_detection_thresholds=[1, 10, 100]
    )
    predicted, truth = [], []
    for one in sorted(rows, key=lambda item: item["sha256"]):
        ranked = sorted(one["detections"], key=lambda item: (-item[1], item))
        predicted.append(
            {
                "boxes": torch.tensor([d[2:] for d in ranked], dtype=torch.float32).reshape(-1, 4),
                "scores": torch.tensor([d[1] / 1_000_000 for d in ranked]),
                "labels": torch.tensor([d[0] for d in ranked], dtype=torch.int64),
            }
        )
        truth.append(
            {
                "boxes": torch.tensor(one["boxes"], dtype=torch.float32),
                "labels": torch.full((len(one["boxes"]),), one["truth"], dtype=torch.int64),
            }
        )
    judged.update(predicted, truth)
    found = judged.compute()
    return float(found["map_50"]), float(found["map"])


@given(worlds(most=8))
@settings(deadline=None, max_examples=15)
def test_boxes_are_torchmetrics(world: tuple[list[Row], int]) -> None:
    rows, k = world
    columns = columns_of(rows, k)
    ours = metrics.mean_average_precision(columns, (50,)), metrics.mean_average_precision(columns)
    assert [float(value or 0) for value in ours] == pytest.approx(torchs(rows), abs=1e-6)  # theirs is of 32 bits


@given(worlds(most=25), st.sampled_from([0, 250_000, 500_000]))
@settings(deadline=None, max_examples=40)
def test_calibration_is_torchmetrics(world: tuple[list[Row], int], threshold: int) -> None:
    rows, k = world
    columns = columns_of(rows, k)
    place, right = predicted_bins(columns, threshold)
    predicted = place < BINS
    ours = expected_error(bins_of(columns, threshold))
    if not predicted.any():
        assert ours is None
        return
    scores = torch.tensor(columns.best_score[predicted] / 1_000_000, dtype=torch.float64)
    theirs = binary_calibration_error(scores, torch.tensor(right[predicted]), n_bins=BINS, norm="l1")
    # a score of 1 has a bin of its own there; right ones of 0.999999, the only others in our last, then count 2e-6 more
    assert float(ours or 0) == pytest.approx(float(theirs), abs=2.001e-6)


def test_a_recall_on_the_edge_counts() -> None:
    """29 of 100 boxes found: recall 0.29 is reached, which floats by linspace deny."""
    rows = [row(number, 0, *([(0, 900_000)] if number < 29 else [])) for number in range(100)]
    assert metrics.box_ap(columns_of(rows, 1), 0)[0] == Fraction(30, 101)  # recalls 0.00 to 0.29
    assert cocos(rows, 1)[0, 0] == pytest.approx(30 / 101, abs=1e-12)
