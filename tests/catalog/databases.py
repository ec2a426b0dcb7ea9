"""Fresh databases of both kinds, for tests that run on each."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry.catalog.database.database import Catalog
from registry.catalog.schema.columns import metadata

KINDS = [
    pytest.param("sqlite"),
    pytest.param("postgresql", marks=pytest.mark.postgres),
]


@contextmanager
def fresh_url(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database: a file, or a schema of its own on the test session's server."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'catalog.sqlite'}"
        return
    server = sa.make_url(request.getfixturevalue("postgres_url"))
    engine = sa.create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    schema = "t" + secrets.token_hex(6)
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA {schema}"))
    try:
        url = server.update_query_dict({"options": f"-csearch_path={schema}"})
        yield url.render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(sa.text(f"DROP SCHEMA {schema} CASCADE"))
        engine.dispose()


@contextmanager
def migrated(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Like ``fresh_url``, with the newest schema; ``emptied`` uses it for many tests."""
    with fresh_url(kind, folder, request) as url:
        catalog = Catalog(url)
        catalog.upgrade()
        catalog.close()
        yield url


@contextmanager
def emptied(url: str, folder: Path) -> Iterator[Catalog]:
    """A catalog without rows on a migrated database: a copy of the file, or the schema emptied."""
    if url.startswith("sqlite"):
        path = folder / "catalog.sqlite"
        shutil.copy(url.removeprefix("sqlite:///"), path)
        url = f"sqlite:///{path}"
    catalog = Catalog(url)
    if catalog.is_postgresql:
        names = ", ".join(metadata.tables)
        with catalog.engine.begin() as connection:
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))  # the log of writes refuses it
            connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))
    yield catalog
    catalog.close()
