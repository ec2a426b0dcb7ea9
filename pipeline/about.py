"""What the documented method says of itself. Nothing here needs a package that trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.tolerance import TOLERANCE
from registry.core.errors import InvalidInput
from registry.core.ports.method import Losses, MethodCard, Option
from registry.core.weights import MODEL, SAFETENSORS, WEIGHTS

_PARTS = ("box_loss", "cls_loss", "dfl_loss")  # as ultralytics names them
CARD = MethodCard(
    name="YOLOv8",
    licence="AGPL-3.0-only",  # of weights that ultralytics trained
    library="ultralytics",
    task="object-detection",
    losses=Losses(
        training=tuple(f"train/{part}" for part in _PARTS), validation=tuple(f"val/{part}" for part in _PARTS)
    ),
    packages=("pipeline",),
    recipe="emotionet-2023",
    options=(
        Option(name="folds", low=2, high=100, help="the number of folds"),
        Option(name="repeats", low=1, high=20, help="how many times the folds are drawn anew and trained"),
        Option(name="epochs", low=1, high=10_000, help="the number of epochs of each fold"),
        Option(
            name="imgsz",
            low=32,
            high=1280,
            help="the side of the square images in pixels, a multiple of 32",
            saves=("memory", "disk"),
        ),
        Option(name="seed", low=0, high=(1 << 53) - 1, help="the seed of all random choices"),
        Option(name="batch", low=1, high=1024, help="the number of images per training step", saves=("memory",)),
    ),
    format=SAFETENSORS,
    files=(WEIGHTS, MODEL),
    base_kinds=("a folder", ".safetensors", ".onnx", ".pt"),
    carried=("checkpoint.pt", "state-*/*"),
    tolerance=TOLERANCE,
)


def check_model(recipe: Mapping[str, Any], model: Mapping[str, Any]) -> None:
    """``InvalidInput`` (``other_weights``) unless architecture and image size are the recipe's."""
    for name, wanted in (("architecture", "model"), ("imgsz", "imgsz")):
        stated, own = model.get(name), recipe["training"][wanted]
        if type(stated) is not type(own) or stated != own:
            raise InvalidInput(
                f"{name} is {str(stated)[:80]!r} in its model.json, but the recipe says {own!r}", code="other_weights"
            )
