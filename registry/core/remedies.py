"""What whoever withdraws something may ask for."""

from __future__ import annotations

from typing import Literal, get_args

Remedy = Literal["notice", "remove_bytes", "retrain"]
REMEDIES: tuple[Remedy, ...] = get_args(Remedy)
