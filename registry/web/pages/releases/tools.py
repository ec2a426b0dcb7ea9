"""What the templates of releases call: our own drawings, sizes and confidences in words."""

from __future__ import annotations

from typing import Any

from registry.web.base.page import drawing
from registry.web.base.words import Words
from registry.web.pages.releases.image_table import confidence

_UNITS = ("KB", "MB", "GB", "TB")


def tools(t: Words) -> dict[str, Any]:
    """``svg``, ``scale``, ``bytes`` and ``confidence`` in a page's language."""
    return {**drawing(t), "bytes": lambda size: size_text(t, size), "confidence": confidence}


def size_text(t: Words, size: int) -> str:
    """A number of bytes with the unit that people read it in, in steps of a thousand."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in _UNITS:
        value /= 1000
        if value < 999.5 or unit == _UNITS[-1]:
            break
    return f"{t.exact(f'{value:.0f}' if value >= 100 else f'{value:.1f}')} {unit}"
