"""Which architecture tensors are of, decided by their shapes alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from registry.core.errors import Untrusted
from registry.core.weights import MAX_CLASSES

Build = Callable[[str, tuple[str, ...]], Any]
WIDTHS = {16: "yolov8n", 32: "yolov8s", 48: "yolov8m", 64: "yolov8l", 80: "yolov8x"}  # of the first convolution
FIRST, HEAD = "model.0.conv.weight", "model.22.cv3.0.2.weight"
_LICENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,:/()+-]{0,199}")


@dataclass(frozen=True)
class Found:
    """A model as read from somebody's file."""

    tensors: Mapping[str, torch.Tensor]
    architecture: str
    names: tuple[str, ...]
    imgsz: int
    licence: str | None
    batchnorm: str  # "kept", or "folded" into the convolutions: mean 0 and variance 1, right in eval mode alone


def architecture_of(tensors: Mapping[str, torch.Tensor]) -> tuple[str, int]:
    """Architecture and number of classes; ``Untrusted`` if it is no YOLOv8 detection model."""
    first, head = tensors.get(FIRST), tensors.get(HEAD)
    if first is None or head is None or first.dim() != 4 or head.dim() != 4 or first.shape[0] not in WIDTHS:
        raise Untrusted("these are not the tensors of a YOLOv8 detection model", code="hostile_weights")
    if not 1 <= head.shape[0] <= MAX_CLASSES:
        raise Untrusted(f"a model of {head.shape[0]} classes", code="hostile_weights")
    return WIDTHS[int(first.shape[0])], int(head.shape[0])


def class_names(given: Any, count: int) -> tuple[str, ...]:
    """Names in order, from a map of index to name (or its Python notation); class_0, class_1... if there are none."""
    if isinstance(given, str):
        try:
            given = ast.literal_eval(given)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            given = None
    if isinstance(given, dict) and sorted(given, key=str) == sorted(range(count), key=str):
        names = tuple(str(given[index])[:200] for index in range(count))
        if len(set(names)) == count:
            return names
    return tuple(f"class_{index}" for index in range(count))


def licence_text(given: Any) -> str | None:
    """A licence as its file states it, if that is one line of plain words."""
    return given if isinstance(given, str) and _LICENCE.fullmatch(given) else None


def image_size(given: Any) -> int:
    """The larger side as stated, if this method can use it; 640 otherwise."""
    if isinstance(given, str):
        given = [int(number) for number in re.findall(r"\d{1,5}", given)[:2]]
    sides = given if isinstance(given, (list, tuple)) else [given]
    sizes = [side for side in sides if type(side) is int and 32 <= side <= 1280 and side % 32 == 0]
    return max(sizes, default=640)
