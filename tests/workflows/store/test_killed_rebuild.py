"""A rebuild is seen whole or not at all: from a second connection while it works, and after kill -9 between any two
of its statements. A stranger's withdrawals come with what they take back."""

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
from registry.catalog.database.database import Catalog
from registry.catalog.queries.signed_records import entries, withdrawals
from registry.catalog.schema.derived import REBUILDABLE
from registry.core.ipld.cid import CID, RAW
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from registry.workflows.upkeep.maintenance import rebuild_catalog
from registry.workflows.withdrawals.withdraw import withdraw
from tests.catalog.databases import KINDS, fresh_url
from tests.catalog.world import dump
from tests.support.processes.together import alone

KILLS = 5  # spread over all statements of a rebuild, beside the commit and what follows it
Tables = dict[str, list[tuple[Any, ...]]]


class Kept(NamedTuple):
    """A home that took one image back, and holds a stranger's snapshot, which the stranger took back."""

    home: Home
    environment: dict[str, str]
    gone: CID
    tables: Tables


def labels(folder: Path, names: str) -> str:
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"{name}.jpg").write_bytes(f"picture {name}".encode())
    (folder / "labels.csv").write_text(
        "\n".join(["file,label,contributor", *(f"{name}.jpg,feliz,ana" for name in names)])
    )
    return str(folder)


def strangers_car(folder: Path) -> Path:
    """A stranger's snapshot, which the stranger took back."""
    home = open_home(read_settings({"EMOTIONET_HOME": str(folder / "home")}))
    import_source(home, labels(folder / "faces", "abcd"))
    snapshot = CID.parse(take_snapshot(home)["snapshot"])
    with home.catalog.read() as db:
        entry = entries.entry_of(db, snapshot, home.key.did)
    assert entry is not None
    withdraw(home, str(snapshot), "asked to")
    export_held(home, entry, folder / "it.car")
    home.close()
    return folder / "it.car"


@pytest.fixture(params=KINDS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    with fresh_url(request.param, tmp_path, request) as url:
        environment = {"EMOTIONET_HOME": str(tmp_path / "home"), "EMOTIONET_DATABASE_URL": url}
        home = open_home(read_settings(environment))
        import_source(home, labels(tmp_path / "mine", "wxyz"))
        import_source(home, str(strangers_car(tmp_path / "stranger")))
        with home.catalog.read() as db:
            gone = bytes.fromhex(str(db.scalar(sa.text("SELECT min(sha256) FROM images WHERE labels > 0"))))
        withdraw(home, gone.hex(), "asked to")
        take_snapshot(home)
        assert rebuild_catalog(home)["problems"] == []
        yield Kept(home, environment, CID.v1(RAW, gone), dump(home.catalog))
        home.close()


def lose(home: Home) -> None:
    with home.catalog.write() as db:
        for table in reversed(REBUILDABLE):
            db.execute(sa.delete(table))


def said(catalog: Catalog) -> tuple[list[Any], list[Any], list[Any]]:
    """Signed records, withdrawals, and the places that may be of more, as they are seen now."""
    with catalog.read() as db:
        indexed = list(db.scalars(sa.text("SELECT cid FROM entries WHERE record_type IS NOT NULL ORDER BY cid")))
        return indexed, withdrawals.indexed(db), withdrawals.places(db)


def watched(home: Home, url: str) -> list[tuple[list[Any], list[Any], list[Any]]]:
    """What another connection sees before each statement of a rebuild and at its end, each state once."""
    other, seen = Catalog(url), list[tuple[list[Any], list[Any], list[Any]]]()

    def look(*_: object) -> None:
        if (now := said(other)) not in seen:
            seen.append(now)

    sa.event.listen(home.catalog.engine, "before_cursor_execute", look)
    try:
        rebuild_catalog(home)
    finally:
        sa.event.remove(home.catalog.engine, "before_cursor_execute", look)
    look()
    other.close()
    return seen


def test_others_see_a_rebuild_whole_or_not_at_all(kept: Kept) -> None:
    url, whole = kept.environment["EMOTIONET_DATABASE_URL"], said(kept.home.catalog)
    issuers = {one["issuer"] for one in whole[1]}
    assert len(issuers) == 2  # a stranger's is among them
    assert watched(kept.home, url) == [whole]
    lose(kept.home)
    assert watched(kept.home, url) == [([], [], []), whole]
    assert dump(kept.home.catalog) == kept.tables


def _rebuild_until(environment: dict[str, str], step: int | str) -> None:
    """Dies before so many statements were made; before it commits; or before what follows the commit."""
    home = open_home(read_settings(environment))
    left = step if isinstance(step, int) else 1 << 30
    committed = False

    @sa.event.listens_for(home.catalog.engine, "before_cursor_execute")
    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if left < 0 or (step == "committed" and committed):
            os.kill(os.getpid(), signal.SIGKILL)

    @sa.event.listens_for(home.catalog.engine, "commit")
    def commits(_: object) -> None:
        nonlocal committed
        committed = True
        if step == "commit":
            os.kill(os.getpid(), signal.SIGKILL)

    rebuild_catalog(home)


def statements_of(home: Home) -> int:
    made = 0

    def count(*_: object) -> None:
        nonlocal made
        made += 1

    sa.event.listen(home.catalog.engine, "before_cursor_execute", count)
    rebuild_catalog(home)
    sa.event.remove(home.catalog.engine, "before_cursor_execute", count)
    return made


def test_after_a_kill_anywhere_nothing_withdrawn_is_read_and_the_next_rebuild_gives_all(kept: Kept) -> None:
    home = kept.home
    count = statements_of(home)
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        gone = f"/ipfs/{kept.gone}?format=raw"
        assert client.get(gone).status_code == 410
        for number, step in enumerate((*range(0, count, count // KILLS + 1), "commit", "committed")):
            lost = number % 2 == 1  # in turn, a catalog that is whole and one that is lost
            if lost:
                lose(home)
            assert alone(_rebuild_until, kept.environment, step) == -signal.SIGKILL, step
            now = dump(home.catalog)
            assert now == kept.tables or (lost and step != "committed" and not any(now.values())), step
            assert client.get(gone).status_code in ({404, 410} if lost else {410}), step
            rebuild_catalog(home)
            assert dump(home.catalog) == kept.tables, step
            assert client.get(gone).status_code == 410, step
