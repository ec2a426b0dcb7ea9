"""What a fold needs, known without running it.

Measured with `python -m bench memory` and, for a whole fold, by its process (ultralytics 8.4.190, torch 2.15, fp32):
a process with torch takes BASE (750 to 790 MiB); each image of a batch takes PER_PIXEL bytes a pixel of activations:
560 (n), 900 (s), 1790 (m) in two steps, and a fifth more in a whole fold of YOLOv8n (5.4 GB with batch 16 at 640 px),
which is added to all; l and x are older figures with the same added. bf16 takes a third less, which is not counted.
Before its first step and after its last epoch a fold of 158 photographs at 160 px took STARTING seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BASE = 900 << 20
STARTING = 6
PER_PIXEL = {"yolov8n": 680, "yolov8s": 1090, "yolov8m": 2070, "yolov8l": 3340, "yolov8x": 4140}
PARAMETERS = {"yolov8n": 3_200_000, "yolov8s": 11_200_000, "yolov8m": 25_900_000, "yolov8l": 43_700_000}
PARAMETERS["yolov8x"] = 68_200_000
COPIES = 5  # weights, their average, gradients and the optimizer's two moments


def memory(training: Mapping[str, Any]) -> int:
    """Bytes of one fold at most, of a recipe's section ``training``."""
    model = str(training["model"])
    batch = int(training["batch"]) * int(training["imgsz"]) ** 2 * PER_PIXEL[model]
    return BASE + batch + PARAMETERS[model] * 4 * COPIES


def pixels(recipe: Mapping[str, Any], images: int) -> int:
    """Bytes on disk of the pixels that all folds share."""
    return images * int(recipe["preprocess"]["size"]) ** 2 * 3


def checkpoint(recipe: Mapping[str, Any]) -> int:
    """Bytes on disk of one fold's checkpoint, of the next one beside it while that is written, and of those that the
    recipe keeps."""
    training, keep = recipe["training"], int(recipe.get("state", {}).get("keep", 0))
    kept = int(training["epochs"]) // keep if keep else 0
    return (2 + kept) * 4 * (COPIES - 1) * PARAMETERS[str(training["model"])]
