"""The origin that base weights state in their model.json, for the card."""

from __future__ import annotations

import json
from dataclasses import dataclass

MAX_TEXT = 200  # letters of what a file says of its origin


@dataclass(frozen=True)
class Base:
    """What base weights say of themselves (model.json's ``origin``); None where they say nothing."""

    format: str | None
    sha256: str | None
    licence: str | None


def declared_origin(model: bytes) -> Base | None:
    """What a model.json says under ``origin``: text of at most MAX_SAID letters; None where it has none."""
    try:
        origin = json.loads(model)["origin"]
        said = {name: origin.get(name) for name in ("format", "sha256", "licence")}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return Base(**{name: value[:MAX_TEXT] if isinstance(value, str) else None for name, value in said.items()})
