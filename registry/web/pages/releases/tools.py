"""What the templates of releases call: our own drawings, sizes and confidences in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from registry.web.base import figures
from registry.web.base.svg import Drawing
from registry.web.base.words import Words
from registry.web.pages.releases.image_table import confidence

_UNITS = ("KB", "MB", "GB", "TB")


def tools(t: Words) -> dict[str, Any]:
    """``svg``, ``scale``, ``bytes`` and ``confidence`` in a page's language."""

    def scale(metric: Mapping[str, Any], threshold: str | None = None) -> Markup:
        name = t.figure(metric.get("name") or metric["metric"])
        drawn = figures.scale(t, name, metric["value"], metric["low"], metric["high"], threshold)
        return Markup(drawn)  # noqa: S704  our own, which escapes

    def svg(drawing: Drawing) -> Markup:
        return Markup(drawing.svg)  # noqa: S704  looked at by check_drawings

    return {"svg": svg, "scale": scale, "bytes": lambda size: size_text(t, size), "confidence": confidence}


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
