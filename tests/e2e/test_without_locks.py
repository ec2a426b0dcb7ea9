"""Two writers whose turns were taken away: what the database itself lets in is still one row once, and one log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from registry.assembly import Home, open_home
from registry.catalog import log_heads
from registry.catalog.database import engines
from registry.catalog.database.database import Catalog
from registry.catalog.queries.labeled_images.history import image_history
from registry.catalog.schema import operational
from registry.core import log
from registry.core.errors import Conflict, Unavailable
from registry.core.ipld.cid import CID, RAW, cid_of
from registry.settings import read_settings
from registry.workflows.images.registering import register_step
from registry.workflows.images.registering.labeled_rows import NewRow
from registry.workflows.images.registering.register_images import register
from tests.catalog.databases import KINDS, fresh_url
from tests.support.logs import log_of

SECONDS = 60


@pytest.fixture(params=KINDS)
def homes(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Home]]:
    """Two on one database, each with connections of its own, and nothing by which they would take turns."""
    with fresh_url(request.param, tmp_path, request) as url:
        settings = read_settings({"EMOTIONET_HOME": str(tmp_path / "home"), "EMOTIONET_DATABASE_URL": url})
        first = open_home(settings)
        register(first, first.key, [row(100)])  # the log has begun
        first.close()
        _take_turns_away(monkeypatch)
        opened = [open_home(settings) for _ in range(2)]
        yield opened
        for home in opened:
            home.close()


def _take_turns_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """No lock before the first statement on SQLite; on PostgreSQL none of all writers, and none of the log's row."""
    write = Catalog.write
    monkeypatch.setattr(Catalog, "write", lambda self, serial=True: write(self, serial=False))
    monkeypatch.setattr(engines, "_sqlite_begins", lambda connection: connection.exec_driver_sql("BEGIN"))
    heads = operational.log_heads.c

    def unlocked(db: sa.Connection, issuer: str) -> log_heads.Head | None:
        found = db.execute(sa.select(heads.seq, heads.entry).where(heads.issuer == issuer)).one()
        return (found.seq, CID.parse(found.entry))

    monkeypatch.setattr(log_heads, "lock", unlocked)


def row(number: int) -> NewRow:
    data = b"\xff\xd8\xff\xe0%d" % number
    cid = cid_of(data, RAW)
    more: dict[str, Any] = {"size": len(data), "label": "feliz", "contributor": "ana", "held": False}
    return NewRow(row=1, name="", sha256=cid.digest, cid=cid, **more)


def registered_at_once(homes: list[Home], rows: list[NewRow], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What became of each writer's row, where neither writes before both have seen what is there.

    Of the same image both have decided that their row is new. Of two images both have made the log's next entry, but
    on SQLite, where who has begun to write would keep the other from getting there.
    """
    both = Barrier(len(homes))
    late = homes[0].catalog.is_postgresql and rows[0] != rows[1]
    module, name = (log, "make_entry") if late else (register_step, "_decide")
    work = getattr(module, name)

    def worked(*given: Any, **named: Any) -> Any:
        done = work(*given, **named)
        both.wait(SECONDS)
        return done

    def one(home: Home, mine: NewRow) -> str:
        try:
            done = register(home, home.key, [mine])
        except (Conflict, Unavailable) as error:
            return error.code
        return "registered" if done.registered else "unchanged"

    with monkeypatch.context() as patched, ThreadPoolExecutor(len(homes)) as threads:
        patched.setattr(module, name, worked)
        return sorted(threads.map(one, homes, rows))


SAME: Callable[[int], NewRow] = lambda _: row(0)  # noqa: E731


@pytest.mark.parametrize("which", [SAME, row], ids=["the same row", "two rows of one log"])
def test_the_database_alone_keeps_one_row_once_and_a_log_without_a_fork(
    homes: list[Home], which: Callable[[int], NewRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [which(number) for number in range(len(homes))]
    lost, won = registered_at_once(homes, rows, monkeypatch)  # codes begin before it
    assert won == "registered"
    assert lost in ("catalog_conflict", "catalog")  # by a key that is taken, or a state that is no longer the newest
    again = [register(home, home.key, [mine]) for home, mine in zip(homes, rows, strict=True)]
    assert sum(one.registered for one in again) == (0 if which is SAME else 1)
    with homes[0].catalog.read() as db:
        told = [image_history(db, one.sha256) for one in rows]
        written = log_of(db, homes[0].key.did)
    assert [[one["label"] for one in history] for history in told] == [["feliz"]] * len(rows)
    entries = 4 if which is row else 3  # the issuer's own record comes first
    assert [one["seq"] for one in written] == list(range(entries))
    assert [one["prev"] for one in written] == [None, *(one["cid"] for one in written[:-1])]
