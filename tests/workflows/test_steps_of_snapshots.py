"""A snapshot's images are indexed in steps before its entry is signed: what a killed process leaves of them shows
nowhere, is completed when the snapshot is taken again, or dropped by a rebuild; others write between two steps."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home, open_home
from registry.catalog import tokens
from registry.catalog.database.database import Catalog, Connection
from registry.catalog.index import snapshot_members
from registry.catalog.turns import others_write
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.upkeep.maintenance import rebuild_catalog
from tests.api.conftest import Client
from tests.catalog.databases import KINDS, fresh_url
from tests.catalog.world import NOW
from tests.support.processes.together import alone
from tests.workflows.test_chosen_snapshots import COUNT, folder_of

STEP = 5  # rows of a step: COUNT images are three
STEPS = -(-COUNT // STEP)


class Taker(NamedTuple):
    home: Home
    environment: dict[str, str]


@pytest.fixture(params=KINDS)
def taker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Taker]:
    with fresh_url(request.param, tmp_path, request) as url:
        environment = {"EMOTIONET_HOME": str(tmp_path / "home"), "EMOTIONET_DATABASE_URL": url}
        home = open_home(read_settings(environment))
        import_source(home, str(folder_of(tmp_path / "faces")))
        yield Taker(home, environment)
        home.close()


def _take_until(environment: dict[str, str], steps: int) -> None:
    """Dies behind so many steps."""
    left = steps

    def dies(*_: object) -> bool:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    vars(snapshot_members).update(STEP=STEP, others_write=dies)
    take_snapshot(open_home(read_settings(environment)))


def rows(home: Home) -> tuple[list[str], int]:
    """The snapshots that have rows, signed or not, and how many images they have."""
    with home.catalog.read() as db:
        found = list(db.scalars(sa.text("SELECT cid FROM snapshots ORDER BY cid")))
        return found, int(db.scalar(sa.text("SELECT count(*) FROM snapshot_members")) or 0)


def shown(client: Client, image: str, snapshot: str) -> list[bool]:
    """Whether an image's page, lists, lookups of an image, its lineage and its own address tell of it."""

    def ask(path: str) -> Any:
        answer = client.get(path, headers={"Accept": "text/html" if path.startswith("/images") else "application/json"})
        assert answer.status_code in {200, 404}, path
        return answer.text if answer.status_code == 200 else ""

    places = ("snapshots", f"lookup/{image}", f"lineage/{snapshot}", f"snapshots/{snapshot}")
    return [snapshot in ask(path) for path in (f"/images/{image}", *(f"/api/v1/{place}" for place in places))]


def test_half_a_snapshot_shows_nowhere_and_is_completed_or_dropped(taker: Taker) -> None:
    home = taker.home
    with home.catalog.read() as db:
        image = str(db.scalar(sa.text("SELECT min(sha256) FROM images")))
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        met = set()
        for steps in range(1, STEPS + 1):
            assert alone(_take_until, taker.environment, steps) == -signal.SIGKILL
            (half,), count = rows(home)
            met.add(half)
            assert count == min(steps * STEP, COUNT)
            assert not any(shown(client, image, half)), steps
            if steps == 2:
                continue  # the third begins with what the second left
            assert rebuild_catalog(home)["problems"] == []
            assert rows(home) == ([], 0)
        assert alone(_take_until, taker.environment, 2) == -signal.SIGKILL
        assert take_snapshot(home)["snapshot"] == half
        assert met == {half}
        assert rows(home) == ([half], COUNT)
        assert all(shown(client, image, half))
        assert take_snapshot(home)["snapshot"] == half
        rebuild_catalog(home)
        assert rows(home) == ([half], COUNT)


def test_others_write_between_two_steps(taker: Taker, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Catalog(taker.environment["EMOTIONET_DATABASE_URL"])
    noticed, indexed = list[bool](), list[int]()

    def between(catalog: Catalog, db: Connection) -> bool:
        with other.write() as writing:  # which waits for whoever has the lock
            tokens.create(writing, ["admin"], NOW)
            indexed.append(int(writing.scalar(sa.text("SELECT count(*) FROM snapshot_members")) or 0))
            noticed.append(others_write(catalog, db))
        return noticed[-1]

    monkeypatch.setattr(snapshot_members, "STEP", STEP)
    monkeypatch.setattr(snapshot_members, "others_write", between)
    taken = take_snapshot(taker.home)
    other.close()
    assert indexed == [STEP, 2 * STEP, COUNT]
    assert noticed == [True] * STEPS  # so whoever takes the snapshot rests after each
    assert rows(taker.home) == ([taken["snapshot"]], COUNT)
