"""One fold, from a task to its outcome: trained, its weights saved, its judged images predicted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.arguments import recorded
from pipeline.hardware import hardware
from pipeline.recipes.schema import check_values
from pipeline.weights import fits, save_weights
from registry.core.errors import InvalidInput
from registry.core.ports.method import FoldOutcome, FoldTask


def train_fold(task: FoldTask, report: Callable[[Mapping[str, Any]], None]) -> FoldOutcome:
    """As ``registry.core.ports.method.Trains.train_fold``."""
    check_values(task.recipe)
    if not task.train or (task.fold is not None and not task.validate):
        raise InvalidInput(
            "a fold needs images to train on and images to judge",
            code="empty_fold",
            hint="use fewer folds, or more images.",
        )
    task.workdir.mkdir(parents=True, exist_ok=True)
    from pipeline.yolo.base import load_base  # torch and ultralytics, for tasks that can be trained
    from pipeline.yolo.fold import predict_fold, run_fold

    if task.base:
        fits(task.base, task.recipe)
    trainer = run_fold(task, load_base(task.base) if task.base else None, report)
    over = task.stop_after is None or task.stop_after >= int(task.recipe["training"]["epochs"])
    predictions = predict_fold(trainer, task, report) if over else {}
    wanted = task.recipe["training"]
    files, digest = save_weights(trainer.ema.ema.state_dict(), str(wanted["model"]), task.classes, int(wanted["imgsz"]))
    return FoldOutcome(
        weights=files,
        tensors=digest,
        arguments=recorded(task),
        hardware=hardware(),
        events=tuple(trainer.events),
        history=tuple(trainer.history),
        checkpoints=tuple(trainer.saved_states),
        predictions=predictions,
    )
