"""What a recipe means in ultralytics' own words.

Invariants: every argument that changes bits follows from the task; what is recorded holds no float and
no path of this machine.
"""

from __future__ import annotations

import os
from typing import Any

from registry.core.errors import InvalidInput
from registry.core.method import FoldTask

NMS_IOU = 0.7
MAX_DETECTIONS = 20  # an image shows one face; what is beyond the best twenty changes no figure
_OF_THIS_MACHINE = frozenset({"project", "name", "exist_ok", "data"})


def device() -> str:
    """``cpu``, or ``0`` (the first GPU) where EMOTIONET_DEVICE says cuda: its bits are others, and never the same."""
    wanted = os.environ.get("EMOTIONET_DEVICE") or "cpu"
    if wanted not in ("cpu", "cuda"):
        raise InvalidInput(f"EMOTIONET_DEVICE is cpu or cuda, not {wanted!r}", code="no_device")
    return "0" if wanted == "cuda" else "cpu"


def arguments_of(task: FoldTask) -> dict[str, Any]:
    """Ultralytics' arguments, as resolved from the recipe."""
    wanted = task.recipe["training"]
    numbers = (
        *("lr0", "lrf", "momentum", "weight_decay", "warmup_epochs", "warmup_bias_lr", "cls"),
        *("mosaic", "degrees", "translate", "scale", "fliplr", "hsv_h", "hsv_s", "hsv_v"),
    )
    return {
        "model": f"{wanted['model']}.yaml",
        "data": "array",
        **{name: wanted[name] for name in ("epochs", "imgsz", "batch", "nbs", "optimizer", "freeze")},
        **{name: float(wanted[name]) for name in numbers},
        "close_mosaic": 0,  # done in seed_epoch, where a resumed run does it too
        "seed": int(task.seed) % (1 << 31),
        "deterministic": True,
        "device": device(),
        "workers": 0,
        "amp": False,
        "channels_last": False,  # ours says it, on a processor too
        "plots": False,
        "val": True,  # validate() below decides in which epochs
        "save": True,
        "patience": 0,
        "pretrained": False,
        "verbose": False,
        "project": str(task.workdir),
        "name": "ultralytics",
        "exist_ok": True,
    }


def beside_arguments(task: FoldTask) -> dict[str, Any]:
    """What else changes bits or figures, and is no argument of ultralytics."""
    names = ("threads", "channels_last", "precision", "validate_every", "close_mosaic", "patience")
    return {
        **{name: task.recipe["training"][name] for name in names},
        "nms_iou": NMS_IOU,
        "max_det": MAX_DETECTIONS,
    }


def recorded(task: FoldTask) -> dict[str, Any]:
    """All of it as a training record holds it: decimals as strings."""
    resolved = {name: value for name, value in arguments_of(task).items() if name not in _OF_THIS_MACHINE}
    return {name: _plain(value) for name, value in {**resolved, **beside_arguments(task)}.items()}


def _plain(value: Any) -> Any:
    return format(value, ".8g") if isinstance(value, float) else value
