"""What a recipe means in ultralytics' own words.

Invariants: every argument that changes bits follows from the task; what is recorded holds no float and
no path of this machine.
"""

from __future__ import annotations

from typing import Any

from registry.core.method import FoldTask

NMS_IOU = 0.7
MAX_DETECTIONS = 20  # an image shows one face; what is beyond the best twenty changes no figure
_OF_THIS_MACHINE = frozenset({"project", "name", "exist_ok", "data"})


def arguments_of(task: FoldTask) -> dict[str, Any]:
    """Ultralytics' arguments, as resolved from the recipe."""
    wanted = task.recipe["training"]
    numbers = (
        *("lr0", "lrf", "momentum", "weight_decay", "warmup_epochs"),
        *("mosaic", "degrees", "translate", "scale", "fliplr", "hsv_h", "hsv_s", "hsv_v"),
    )
    return {
        "model": f"{wanted['model']}.yaml",
        "data": "array",
        **{name: wanted[name] for name in ("epochs", "imgsz", "batch", "nbs", "optimizer")},
        **{name: float(wanted[name]) for name in numbers},
        "close_mosaic": 0,  # done in seed_epoch, where a resumed run does it too
        "seed": int(task.seed) % (1 << 31),
        "deterministic": True,
        "device": "cpu",
        "workers": 0,
        "amp": False,
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
    wanted = {name: task.recipe["training"][name] for name in ("threads", "channels_last", "validate_every")}
    return {
        **wanted,
        "close_mosaic": task.recipe["training"]["close_mosaic"],
        "nms_iou": NMS_IOU,
        "max_det": MAX_DETECTIONS,
    }


def recorded(task: FoldTask) -> dict[str, Any]:
    """All of it as a training record holds it: decimals as strings."""
    resolved = {name: value for name, value in arguments_of(task).items() if name not in _OF_THIS_MACHINE}
    return {name: _plain(value) for name, value in {**resolved, **beside_arguments(task)}.items()}


def _plain(value: Any) -> Any:
    return format(value, ".8g") if isinstance(value, float) else value
