"""What the templates of releases call: our own drawings, sizes and confidences in words."""

from __future__ import annotations

from typing import Any

from registry.core.text.amounts import size_text
from registry.web.base.page import drawing
from registry.web.base.words import Words
from registry.web.pages.releases.image_table import confidence


def tools(t: Words) -> dict[str, Any]:
    """``svg``, ``scale``, ``bytes`` and ``confidence`` in a page's language."""
    return {**drawing(t), "bytes": lambda size: size_text(size, t.exact), "confidence": confidence}
