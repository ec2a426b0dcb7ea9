"""A run's events in words, for people who watch it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.core.text.amounts import duration


def fold_name(fold: int | None) -> str:
    """A fold as people call it; None was trained on all images."""
    return "refit" if fold is None else f"fold {fold}"


def epoch_text(data: Mapping[str, Any]) -> str:
    """What an epoch's event says, beside how far it is."""
    parts = [f"{name} {data[key]}" for name, key in (("loss", "loss"), ("F1", "f1")) if key in data]
    if "images_per_second" in data:
        parts.append(f"{data['images_per_second']} img/s")
    if "eta_seconds" in data and data["epoch"] < data["epochs"]:
        parts.append(f"{duration(data['eta_seconds'])} left")
    return ", ".join(parts)


def trouble_text(event: Mapping[str, Any]) -> str | None:
    """A line for people about what did not go as planned; None for all other events."""
    data = event["data"]
    if event["kind"] == "warning":
        return f"warning: {data['text']}"
    who = fold_name(data["fold"]) if "fold" in data else data.get("step", "the run")
    if event["kind"] == "again":
        return f"{who}: {data['error']}; trying again"
    if data.get("event") == "second_try":
        return f"{who}: {data['reason']}; trying once more with the values that the recipe allows"
    if data.get("event") == "taken_up":
        return f"{who}: resumed, attempt {data['attempt']}"
    return None


STEPS = {
    "prepare": "loading the training method, cleaning, planning",
    "draw": "waiting for the plan's anchor, drawing the folds",
    "fold": "loading the training method",
    "evaluate": "evaluating",
}


def step_text(data: Mapping[str, Any]) -> str:
    """What begins, before anything of it can be counted."""
    said = STEPS.get(data["step"], str(data["step"]))
    return f"{fold_name(data['fold'])}: {said}" if "fold" in data else said


def event_text(event: Mapping[str, Any]) -> str:
    """Any event as a line of a log."""
    return f"{event['time']}  {_said(event)}"


def _said(event: Mapping[str, Any]) -> str:
    kind, data = event["kind"], event["data"]
    if (text := trouble_text(event)) is not None:
        return text
    if kind == "step":
        return step_text(data)
    if kind == "progress":
        return f"{data['what']} {data['done']}" + (f"/{data['total']}" if data["total"] else "")
    if kind == "fold" and "epoch" in data:
        more = epoch_text(data)
        return f"{fold_name(data['fold'])}: epoch {data['epoch']}/{data['epochs']}" + (f", {more}" if more else "")
    if kind == "failed":
        where = fold_name(data["fold"]) if "fold" in data else data.get("step", "the run")
        return f"failed at {where}: {data.get('error')}"
    return f"{kind} {dict(data)}" if data else kind
