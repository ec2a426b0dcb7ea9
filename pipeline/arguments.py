"""A recipe's values as ultralytics' arguments.

Invariants: every argument that changes bits follows from the task. What is recorded holds no float and no path of this
machine.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pipeline.recipes.read_recipe import second_try
from registry.core.errors import InvalidInput
from registry.core.ports.method import FoldTask

NMS_IOU = 0.7
MAX_DETECTIONS = 20  # an image shows one face; what is beyond the best twenty changes no figure
_CALLED = {"data": "array", "name": "ultralytics", "exist_ok": True}  # nobody else's business, as "project"
DEVICES = ("cpu", "0")


def device() -> str:
    """``cpu``, or ``0`` (the first GPU) where EMOTIONET_DEVICE says cuda: its bits are others, and never the same."""
    wanted = os.environ.get("EMOTIONET_DEVICE") or "cpu"
    if wanted not in ("cpu", "cuda"):
        raise InvalidInput(f"EMOTIONET_DEVICE is cpu or cuda, not {wanted!r}", code="no_device")
    return "0" if wanted == "cuda" else "cpu"


def arguments_of(task: FoldTask) -> dict[str, Any]:
    """Ultralytics' arguments, as resolved from the recipe, on this machine."""
    return {**_of_recipe(task.recipe, task.seed), "device": device(), "project": str(task.workdir), **_CALLED}


def _of_recipe(recipe: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Those that are the same on every machine."""
    wanted = recipe["training"]
    numbers = (
        *("lr0", "lrf", "momentum", "weight_decay", "warmup_epochs", "warmup_bias_lr", "cls"),
        *("mosaic", "degrees", "translate", "scale", "fliplr", "hsv_h", "hsv_s", "hsv_v"),
    )
    return {
        "model": f"{wanted['model']}.yaml",
        **{name: wanted[name] for name in ("epochs", "imgsz", "batch", "nbs", "optimizer", "freeze")},
        **{name: float(wanted[name]) for name in numbers},
        "close_mosaic": 0,  # done in seed_epoch, where a resumed run does it too
        "seed": int(seed) % (1 << 31),
        "deterministic": True,
        "workers": 0,
        "amp": False,
        "channels_last": False,  # ours says it, on a processor too
        "plots": False,
        "val": True,  # validate() below decides in which epochs
        "save": True,
        "patience": 0,
        "pretrained": False,
        "verbose": False,
    }


def _beside(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What else changes bits or figures, and is no argument of ultralytics."""
    names = ("threads", "channels_last", "precision", "validate_every", "close_mosaic", "patience")
    return {
        **{name: recipe["training"][name] for name in names},
        "nms_iou": NMS_IOU,
        "max_det": MAX_DETECTIONS,
    }


def recorded(task: FoldTask) -> dict[str, Any]:
    """All of it as a training record holds it: decimals as strings, and no path of this machine."""
    return {**_recorded(task.recipe, task.seed), "device": device()}


def _recorded(recipe: Mapping[str, Any], seed: int) -> dict[str, Any]:
    return {name: _plain(value) for name, value in {**_of_recipe(recipe, seed), **_beside(recipe)}.items()}


def _plain(value: Any) -> Any:
    return format(value, ".8g") if isinstance(value, float) else value


def check_recorded(
    recipe: Mapping[str, Any],
    seed: int,
    arguments: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
    epochs: Sequence[int],
    later: Collection[str] = (),
) -> None:
    """``InvalidInput`` (``other_training``) unless a training of this recipe and seed can be recorded so.

    ``later``: names that came after the recipe's version, and which its training may not have recorded. A second try
    has the values that the recipe allows for it; a training ends early only where the recipe is patient, and says so.
    """
    for event in events:
        if event.get("event") == "second_try":
            again = second_try(recipe, str(event.get("after")))
            if again is None:
                raise _other("records a second attempt, which the recipe does not allow")
            recipe = again
    wanted = _recorded(recipe, seed)
    for name in sorted({*wanted, *arguments} - {"device"} - ({*later} - {*arguments})):
        if name not in arguments or name not in wanted or arguments[name] != wanted[name]:
            stated, own = (repr(found.get(name))[:80] for found in (arguments, wanted))
            raise _other(f"has {str(name)[:40]} {stated}, but the recipe gives {own}")
    if arguments.get("device") not in DEVICES:
        raise _other(f"was made on {arguments.get('device')!r}, which is not a device")
    stopped = [event.get("epoch") for event in events if event.get("event") == "stopped_early"]
    last = stopped[-1] if stopped and int(recipe["training"]["patience"]) else int(recipe["training"]["epochs"])
    if (
        type(last) is not int
        or not 1 <= last <= int(recipe["training"]["epochs"])
        or [*epochs] != [*range(1, last + 1)]
    ):
        raise _other(f"has a history of {len(epochs)} epochs where the recipe asks for {last}")


def _other(what: str) -> InvalidInput:
    return InvalidInput(f"it {what}", code="other_training")
