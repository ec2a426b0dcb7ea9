"""Every test that asks for ``catalog`` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.catalog.database.database import Catalog
from tests.catalog.databases import KINDS, emptied, fresh_url, migrated
from tests.catalog.world import World


@pytest.fixture(params=KINDS)
def catalog_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database without a schema."""
    with fresh_url(request.param, tmp_path, request) as url:
        yield url


@pytest.fixture(scope="module", params=KINDS)
def migrated_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with migrated(request.param, tmp_path_factory.mktemp("database"), request) as url:
        yield url


@pytest.fixture
def catalog(migrated_url: str, tmp_path: Path) -> Iterator[Catalog]:
    """A catalog with the newest schema and no rows."""
    with emptied(migrated_url, tmp_path) as catalog:
        yield catalog


@pytest.fixture
def world(catalog: Catalog) -> World:
    """A registry with nothing said yet."""
    return World(catalog)
