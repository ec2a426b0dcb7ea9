"""What a snapshot, a run or a release is called here, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def names_lines(document: Mapping[str, Any]) -> list[str]:
    """A line with all its names; none where it has none."""
    return [f"names: {', '.join(document['names'])}"] if document["names"] else []
