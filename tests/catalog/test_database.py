"""Schema history, sessions and errors, on both databases."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st

import migrations
from registry.catalog import tokens
from registry.catalog.database.database import HEAD, Catalog
from registry.catalog.database.engines import parse_url, translated
from registry.catalog.queries.training_runs import runs
from registry.catalog.schema import partial_indexes as partial_indexes
from registry.catalog.schema.columns import metadata
from registry.catalog.schema.derived import REBUILDABLE
from registry.catalog.schema.operational import NOT_REBUILDABLE
from registry.core.errors import Conflict, EmotionetError, InvalidInput, NotFound, Unavailable, UsageError
from tests.catalog.world import NOW
from tests.support.processes.together import alone, together

pytestmark = pytest.mark.usefixtures("real_migrations")
RUN: dict[str, Any] = {"snapshot": "s", "recipe_name": "quick", "engine": "local", "options": {}, "now": NOW}


def test_the_history_leads_to_the_tables_as_they_are_written(catalog: Catalog) -> None:
    with catalog.read() as db:
        context = MigrationContext.configure(db, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_constraints_that_alembic_does_not_compare(catalog: Catalog) -> None:
    """Check constraints and primary keys, by name and columns."""
    found = sa.inspect(catalog.engine)
    for table in metadata.sorted_tables:
        keys = found.get_pk_constraint(table.name)
        assert keys["constrained_columns"] == [column.name for column in table.primary_key.columns], table.name
        assert keys["name"] == f"pk_{table.name}"
        stated = {str(one.name) for one in table.constraints if isinstance(one, sa.CheckConstraint)}
        assert {one["name"] for one in found.get_check_constraints(table.name)} == stated, table.name


def test_every_step_back_and_forth(catalog_url: str) -> None:
    catalog = Catalog(catalog_url)
    catalog.upgrade()
    tables = set(sa.inspect(catalog.engine).get_table_names())
    assert tables == {"alembic_version", *metadata.tables}
    catalog.downgrade("base")
    assert set(sa.inspect(catalog.engine).get_table_names()) == {"alembic_version"}
    catalog.upgrade()
    catalog.upgrade()
    assert set(sa.inspect(catalog.engine).get_table_names()) == tables
    catalog.close()


def test_the_newest_revision_is_the_one_that_is_named() -> None:
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert script.get_heads() == [HEAD]


def test_a_schema_that_is_there_needs_no_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/catalog.sqlite"
    Catalog(url).upgrade()
    program = (
        "import sys; from registry.catalog.database.database import Catalog; "
        f"Catalog({url!r}).upgrade(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_newer_schema_is_told(catalog: Catalog) -> None:
    with catalog.write() as db:
        db.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unavailable) as caught:
        catalog.upgrade()
    assert caught.value.code == "catalog_schema"
    assert "has revision 9999, and this program knows none after" in str(caught.value)
    assert "newer version" in str(caught.value)
    with catalog.read() as db:
        assert db.scalar(sa.text("SELECT version_num FROM alembic_version")) == "9999"  # and left as it is


def _upgrade_until(url: str, statements: int) -> None:
    """Dies before so many statements were made, if there are as many."""
    catalog, made = Catalog(url), 0

    @sa.event.listens_for(catalog.engine, "before_cursor_execute")
    def count(*_: object) -> None:
        nonlocal made
        made += 1
        if made > statements:
            os.kill(os.getpid(), signal.SIGKILL)

    catalog.upgrade()


def test_an_upgrade_that_is_killed_leaves_nothing_half_done(catalog_url: str) -> None:
    """Whichever revision the kill meets, the schema is as before or as wanted, and the next upgrade goes on."""
    catalog = Catalog(catalog_url)
    codes = []
    for statements in (5, 40, 70, 100, 10_000):
        codes.append(alone(_upgrade_until, catalog_url, statements))
        tables = set(sa.inspect(catalog.engine).get_table_names())
        assert tables in (set(), {"alembic_version", *metadata.tables}), statements
    assert codes == [*[-signal.SIGKILL] * 4, 0]
    assert catalog.is_current()
    with catalog.write() as db:
        runs.create(db, **RUN)
    catalog.close()


def _upgrade(url: str, barrier: Barrier) -> None:
    barrier.wait(20)
    catalog = Catalog(url)
    catalog.upgrade()
    with catalog.write() as db:
        runs.create(db, **RUN)
    catalog.close()


def test_many_processes_start_at_once(catalog_url: str) -> None:
    assert together(*[(_upgrade, (catalog_url,))] * 4) == [0] * 4
    catalog = Catalog(catalog_url)
    with catalog.read() as db:
        assert len(runs.list_runs(db)[0]) == 4
    catalog.close()


def test_migrations_need_no_working_directory(
    catalog_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    catalog = Catalog(catalog_url)
    catalog.upgrade()
    catalog.close()
    assert list(elsewhere.iterdir()) == []


def test_what_can_be_rebuilt_and_what_is_kept() -> None:
    assert not set(REBUILDABLE) & set(NOT_REBUILDABLE)
    assert {*REBUILDABLE, *NOT_REBUILDABLE} == set(metadata.tables.values())
    for table in NOT_REBUILDABLE:
        assert not {key.column.table for key in table.foreign_keys} & set(REBUILDABLE), table.name


@pytest.mark.parametrize("first", ["identity", "arriving", "operational", "derived"])
def test_no_order_of_imports_makes_a_rebuild_empty_what_it_can_not_refill(first: str) -> None:
    program = (
        f"import registry.catalog.schema.{first}; from registry.catalog.schema import derived, operational; "
        "print(sorted(table.name for table in derived.REBUILDABLE))"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert told.strip() == str(sorted(table.name for table in REBUILDABLE))
    assert "tokens" not in told


def test_an_error_rolls_everything_back(catalog: Catalog) -> None:
    def fails() -> None:
        with catalog.write() as db:
            runs.create(db, **RUN)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with catalog.read() as db:
        assert runs.list_runs(db) == ([], None)


def test_a_reader_changes_nothing(catalog: Catalog) -> None:
    refused = pytest.raises(EmotionetError) if catalog.is_postgresql else contextlib.nullcontext()
    with refused, catalog.read() as db:
        runs.create(db, **RUN)
    with catalog.read() as db:
        assert runs.list_runs(db) == ([], None)


def test_a_reader_sees_one_state(catalog: Catalog) -> None:
    with catalog.read() as db:
        assert runs.list_runs(db) == ([], None)
        with catalog.write() as other:
            runs.create(other, **RUN)
        assert runs.list_runs(db) == ([], None)
    with catalog.read() as db:
        assert len(runs.list_runs(db)[0]) == 1


def test_writers_take_turns(catalog: Catalog) -> None:
    """Each adds one to what it read; nothing is lost, on either database."""
    with catalog.write() as db:
        run = runs.create(db, **RUN, kept=0)

    def add() -> None:
        for _ in range(10):
            with catalog.write() as db:
                runs.update(db, run, kept=runs.row(db, run)["kept"] + 1)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with catalog.read() as db:
        assert runs.row(db, run)["kept"] == 40


def test_contradictions_are_conflicts(catalog: Catalog) -> None:
    with catalog.write() as db:
        runs.create(db, run="r1", **RUN)
    with pytest.raises(Conflict), catalog.write() as db:
        runs.create(db, run="r1", **RUN)
    with pytest.raises(Conflict), catalog.write() as db:
        runs.update(db, "r1", status="enlightened")
    with pytest.raises(Conflict), catalog.write() as db:
        runs.set_fold(db, "no such run", 0)


def test_values_that_no_database_holds(catalog: Catalog) -> None:
    with pytest.raises(InvalidInput), catalog.write() as db:
        runs.create(db, run="\ud800", **RUN)
    with pytest.raises(InvalidInput), catalog.write() as db:
        runs.create(db, **RUN, kept=2**70)


def test_a_catalog_without_tables_is_unavailable(catalog_url: str) -> None:
    catalog = Catalog(catalog_url)
    with pytest.raises(Unavailable), catalog.read() as db:
        runs.list_runs(db)
    catalog.close()


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        Catalog(f"sqlite:///{tmp_path}/no/such/folder/catalog.sqlite").upgrade()
    with pytest.raises(Unavailable):
        Catalog("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2").upgrade()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(Unavailable):
        Catalog(f"sqlite:///{tmp_path}/catalog.sqlite").upgrade()


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    catalog = Catalog(f"sqlite:///{tmp_path}/catalog.sqlite")
    catalog.upgrade()
    with catalog.read() as db:
        settings = {
            name: db.execute(sa.text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
    assert stat.S_IMODE((tmp_path / "catalog.sqlite").stat().st_mode) == 0o600
    catalog.close()


def test_a_catalog_that_nobody_may_write(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    catalog = Catalog(f"sqlite:///{path}")
    catalog.upgrade()
    with catalog.write() as db:
        db.execute(sa.text("PRAGMA query_only = ON"))
        with pytest.raises(sa.exc.OperationalError) as caught:
            tokens.create(db, ["admin"], NOW)
    with pytest.raises(Unavailable), translated():
        raise caught.value
    catalog.close()


@pytest.mark.parametrize(
    "url",
    ["", "catalog.sqlite", "mysql://localhost/x", "sqlite://", "sqlite:///:memory:", "sqlite:///", "::"],
)
def test_urls_that_can_not_be_used(url: str) -> None:
    with pytest.raises(UsageError):
        Catalog(url)


@given(st.text(max_size=60))
def test_no_url_crashes(url: str) -> None:
    with contextlib.suppress(UsageError):
        assert parse_url(url).get_backend_name() in {"sqlite", "postgresql"}


@pytest.mark.parametrize("url", ["postgresql://me@host/db", "postgresql+psycopg://me@host/db"])
def test_both_spellings_of_postgresql_are_understood(url: str) -> None:
    assert str(parse_url(url)) == "postgresql+psycopg://me@host/db"


def test_passwords_are_in_no_message() -> None:
    with pytest.raises(EmotionetError) as caught:
        Catalog("postgresql://me:hunter2@127.0.0.1:1/db?connect_timeout=2").upgrade()
    assert "hunter2" not in str(caught.value)


def test_runs_that_are_not_there(catalog: Catalog) -> None:
    with pytest.raises(NotFound), catalog.write() as db:
        runs.update(db, "r0", status="failed")
    with pytest.raises(NotFound), catalog.read() as db:
        runs.get(db, "r0")


def test_the_planner_is_told_while_others_write_and_open_connections_hear_of_it(catalog: Catalog) -> None:
    with catalog.read() as db:
        before = db.connection.driver_connection
    if catalog.is_postgresql:  # where it takes seconds
        with catalog.write():
            telling = threading.Thread(target=catalog.analyze)
            telling.start()
            telling.join(20)
            assert not telling.is_alive()
        return
    catalog.analyze()
    with catalog.read() as db:
        assert db.connection.driver_connection is not before
        assert db.exec_driver_sql("SELECT count(*) FROM sqlite_stat1").scalar()


def test_the_planner_is_told_of_tables_that_have_grown_alone(postgres_database: str) -> None:
    catalog = Catalog(postgres_database)
    catalog.upgrade()
    insert = sa.text(
        "INSERT INTO images (sha256, size, stored) SELECT :kind || g, 1, true FROM generate_series(1, :n) g"
    )
    known = sa.text("SELECT reltuples FROM pg_class WHERE relname = :name")

    def told(kind: str, count: int) -> tuple[float, float]:
        with catalog.write() as db:
            db.execute(insert, {"kind": kind, "n": count})
        catalog.analyze(grown=True)
        with catalog.read() as db:
            return db.scalar(known, {"name": "images"}), db.scalar(known, {"name": "names"})

    assert told("a", 10_000) == (10_000, -1)  # -1: nobody has looked yet
    assert told("b", 100) == (10_000, -1)
    assert told("c", 3_000) == (13_100, -1)
    catalog.close()
