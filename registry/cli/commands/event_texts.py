"""A run's events in words, for people who watch it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def fold_name(fold: int | None) -> str:
    """A fold as people call it; None was trained on all images."""
    return "refit" if fold is None else f"fold {fold}"


def epoch_text(data: Mapping[str, Any]) -> str:
    """What an epoch's event says, beside how far it is."""
    parts = [f"{name} {data[key]}" for name, key in (("loss", "loss"), ("F1", "f1")) if key in data]
    if "images_per_second" in data:
        parts.append(f"{data['images_per_second']} img/s")
    if "eta_seconds" in data:
        parts.append(f"{data['eta_seconds']} s left")
    return ", ".join(parts)


def trouble_text(event: Mapping[str, Any]) -> str | None:
    """A line for people about what did not go as planned; None for all other events."""
    data = event["data"]
    if event["kind"] == "warning":
        return f"warning: {data['text']}"
    who = fold_name(data["fold"]) if "fold" in data else data.get("step", "the run")
    if event["kind"] == "again":
        return f"{who}: {data['error']}; tried again"
    if data.get("event") == "second_try":
        return f"{who}: {data['reason']}; tried once more with what the recipe allows"
    if data.get("event") == "taken_up":
        return f"{who}: taken up, attempt {data['attempt']}"
    return None
