"""A recipe's sections and keys in one row, for lists and comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Sections and keys as ``section.key``, values as their whole text, as JSON writes it: what is shown to people
    is cut by who shows it."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = str(value).lower() if isinstance(value, bool) else str(value)
    return found
