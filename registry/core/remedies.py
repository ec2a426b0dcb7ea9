"""What whoever withdraws something may ask for, and how it is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

Remedy = Literal["notice", "remove_bytes", "retrain"]
REMEDIES: tuple[Remedy, ...] = get_args(Remedy)


def withdrawn_text(one: Mapping[str, Any]) -> str:
    """What was taken back, when, why, and what is asked for beyond notice."""
    asked = {"remove_bytes": " (asks for its bytes to be removed)", "retrain": " (asks to train again without it)"}
    return f"{one['what']}, on {one['effective']}: {one['reason']}{asked.get(one['remedy'], '')}"
