"""What an epoch reports while a fold is trained: losses, F1, speed, time left. Nothing here affects the training."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


def reported_values(metrics: Mapping[str, Any]) -> dict[str, str]:
    """The losses, their sum and, for an epoch that was validated, ultralytics' F1 of boxes."""
    losses = {name: float(value) for name, value in metrics.items() if name.startswith("train/")}
    values = {"loss": f"{sum(losses.values()):.4f}"}
    values |= {name.removeprefix("train/"): f"{value:.4f}" for name, value in losses.items()}
    precision, recall = (float(metrics.get(f"metrics/{name}(B)", 0)) for name in ("precision", "recall"))
    if precision + recall:
        values["f1"] = f"{2 * precision * recall / (precision + recall):.4f}"
    return values


class Pace:
    """Speed of a training of ``epochs`` epochs on ``images`` images."""

    def __init__(self, images: int, epochs: int) -> None:
        self._images, self._epochs = images, epochs
        self._began: float | None = None  # when the last epoch ended, or the first began

    def start(self) -> None:
        """The first epoch begins; no-op for the others."""
        self._began = self._began or time.monotonic()

    def after(self, epoch: int) -> dict[str, Any]:
        """Progress after so many epochs: images a second of the last one, seconds left at this speed."""
        now = time.monotonic()
        spent, self._began = max(now - (self._began or now), 1e-6), now
        return {
            "epoch": epoch,
            "epochs": self._epochs,
            "images_per_second": f"{self._images / spent:.1f}",
            "eta_seconds": round(spent * (self._epochs - epoch)),
        }
