"""Small nodes, so that a few rows make a tall tree."""

from __future__ import annotations

import pytest

from registry.core.table import levels as table_levels
from registry.core.table import tables


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes of 4 rows on average, so that a few hundred rows make a tree of several levels."""
    few = lambda digest, level: digest[level] % 4 == 0  # noqa: E731
    monkeypatch.setattr(table_levels, "ends", few)
    monkeypatch.setattr(tables, "ends", few)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes of at most 300 bytes, so that the limit on size decides nearly always."""
    monkeypatch.setattr(table_levels, "MAX_ITEMS", 300)
    monkeypatch.setattr(tables, "MAX_ITEMS", 300)
