"""Where a killed fold goes on: plain tensors and numbers, written whole or not at all, read without unpickling.

Invariants: a checkpoint belongs to one task and is of no use to any other; one that was cut short, damaged or is
another task's is put aside, and the training says so; one from another kind of machine is used, and it says that too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError  # the error alone
from typing import Any

import torch

from pipeline.hardware import hardware
from pipeline.workspace import task_digest
from registry.core.method import FoldTask

_UNUSABLE = (OSError, EOFError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, UnpicklingError)


def path_of(task: FoldTask) -> Path:
    """Where a fold's checkpoint lies."""
    return task.workdir / "checkpoint.pt"


def write(task: FoldTask, values: Mapping[str, Any]) -> None:
    """Temp, flush, rename: a machine that loses its power has the old one or the new one."""
    path = path_of(task)
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as handle:
        torch.save({**values, "task": task_digest(task), "machine": _machine()}, handle)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)


def read(task: FoldTask) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """What was written, or None; and what there is to tell of it."""
    path = path_of(task)
    if not path.exists():
        return None, []
    try:
        saved: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        if saved["task"] != task_digest(task):
            raise ValueError("another task's")
        before, epoch = saved["machine"], int(saved["epoch"]) + 1
    except _UNUSABLE as error:
        return None, [{"event": "restarted", "reason": f"checkpoint not usable: {type(error).__name__}"}]
    told = {"event": "resumed", "epoch": epoch}
    if before != _machine():  # its bits are others from here on
        told["before_on"] = ", ".join(str(before[name]) for name in sorted(before))
    return saved, [*saved["events"], told]


def _machine() -> dict[str, str]:
    """What decides bits, beside the task."""
    return {**hardware(), "torch": str(torch.__version__)}
