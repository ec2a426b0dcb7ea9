"""A backup of a home that is at work, restored elsewhere: the same rows, blocks, keys and logs, and releases audit."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from registry.catalog.database.database import Catalog
from registry.core.errors import Conflict, EmotionetError, InvalidInput, NewerVersion, NotFound, Untrusted
from registry.core.ipld.cid import CID
from registry.provenance.keys import keys
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.backup.make_backup import make_backup
from registry.workflows.backup.restore_backup import restore_backup
from registry.workflows.log.restored import MARK, confirm
from tests.catalog.databases import fresh_url
from tests.support.forgery import simulated_release
from tests.support.logs import log_of
from tests.workflows.backup.homes import contents, filled, home_in, said, tables


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, CID]:
    """A backup, the home that it is of, and the newest entry of its log."""
    folder = tmp_path_factory.mktemp("made")
    with home_in(folder / "home") as home:
        newest = filled(home, folder / "faces")
        make_backup(home, folder / "backup.tar")
    return folder / "backup.tar", folder / "home", newest


def refused(backup: Path, folder: Path) -> EmotionetError:
    """Why a file is not restored; nothing is left of the try."""
    with home_in(folder) as home, pytest.raises((InvalidInput, Untrusted)) as raised:
        restore_backup(home, backup)
    assert not folder.exists() or list(folder.iterdir()) == []
    return raised.value


def test_a_release_audits_in_a_home_that_was_restored_elsewhere(tmp_path: Path) -> None:
    with simulated_release(tmp_path / "first") as released:
        before = audit_target(released.home, str(released.entry))
        make_backup(released.home, tmp_path / "backup.tar")
        url = released.home.settings.database_url
        held = {bytes(cid) for cid in released.home.store.cids()}
        pins = set(released.home.store.pins())
        with home_in(tmp_path / "another machine" / "place") as home:
            restore_backup(home, tmp_path / "backup.tar")
            assert tables(home.settings.database_url) == tables(url)
            assert {bytes(cid) for cid in home.store.cids()} == held
            assert set(home.store.pins()) == pins
            assert home.key.did == released.home.key.did
            after = audit_target(home, str(released.entry))
    assert [(one.id, one.result) for one in after.checks] == [(one.id, one.result) for one in before.checks]


@pytest.mark.postgres
@pytest.mark.parametrize("source", ["sqlite", "postgresql"])
def test_every_row_moves_to_postgresql_from_either_database_and_back(
    source: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    target = "postgresql"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with (
        fresh_url(source, tmp_path / "one", request) as url,
        fresh_url(target, tmp_path / "two", request) as other,
    ):
        with home_in(tmp_path / "home", url) as home:
            newest = filled(home, tmp_path / "faces")
            make_backup(home, tmp_path / "backup.tar")
            before = tables(url)
        with home_in(tmp_path / "restored", other) as home:
            restore_backup(home, tmp_path / "backup.tar")
            found = tables(other)
            assert {name: len(rows) for name, rows in found.items()} == {
                name: len(rows) for name, rows in before.items()
            }
            if source == target:
                assert found == before
            confirm(home)
            next_one = said(home, "goes on")  # numbers that the database gives go on too
            with home.catalog.read() as db:
                assert [row["cid"] for row in log_of(db, home.key.did)][-2:] == [str(newest), str(next_one)]
        with home_in(tmp_path / "third", other) as home, pytest.raises(Conflict) as raised:
            restore_backup(home, tmp_path / "backup.tar")
        assert raised.value.code == "not_empty"
        with home_in(tmp_path / "back") as home:
            restore_backup(home, tmp_path / "backup.tar")
            found = tables(home.settings.database_url)
            assert {name: len(rows) for name, rows in found.items()} == {
                name: len(rows) for name, rows in before.items()
            }
            if source == "sqlite":
                assert found == before


def test_backups_beside_appends_hold_all_that_was_acknowledged_before(tmp_path: Path) -> None:
    acknowledged: list[CID] = []
    stop = threading.Event()
    with home_in(tmp_path / "home") as home:
        acknowledged.append(filled(home, tmp_path / "faces"))

        def go_on() -> None:
            with home_in(tmp_path / "home") as same:
                while not stop.is_set():
                    acknowledged.append(said(same, f"entry {len(acknowledged)}"))

        writer = threading.Thread(target=go_on)
        writer.start()
        known = []
        for number in range(3):
            had = len(acknowledged)
            while len(acknowledged) < had + 3:  # so that something is written before and meanwhile
                stop.wait(0.01)
            known.append(len(acknowledged))
            make_backup(home, tmp_path / f"{number}.tar")
        stop.set()
        writer.join()
    for number, count in enumerate(known):
        with home_in(tmp_path / f"restored {number}") as home:
            done = restore_backup(home, tmp_path / f"{number}.tar")
            assert done["problem"] is None
            confirm(home)
            with home.catalog.read() as db:
                log = [CID.parse(row["cid"]) for row in log_of(db, home.key.did)]
            assert set(acknowledged[:count]) <= set(log)
            for entry in log:
                home.store.get(entry)
            said(home, "goes on")


def test_yesterdays_backup_forks_no_log(made: tuple[Path, Path, CID], tmp_path: Path) -> None:
    backup, _, newest = made
    with home_in(tmp_path / "home") as home:
        done = restore_backup(home, backup)
        assert (done["confirmed"], done["problem"]) == (False, None)
        with pytest.raises(Conflict) as raised:
            said(home, "would fork")
        assert raised.value.code == "restored"
        assert "restore --nothing-newer" in str(raised.value.hint)
        assert [one["entry"] for one in confirm(home)] == [str(newest)]
        assert not (tmp_path / "home" / MARK).exists()
        said(home, "goes on")


@pytest.mark.parametrize("witness", ["store", "journal"])
def test_who_knows_a_newer_entry_is_believed_over_who_says_there_is_none(
    witness: str, made: tuple[Path, Path, CID], tmp_path: Path
) -> None:
    backup = made[0]
    with home_in(tmp_path / "home") as home:
        restore_backup(home, backup)
        later = CID.v1(0x71, bytes(32))
        if witness == "store":
            home.store.set_log_head(home.key.did, 99, later)
        else:
            home.anchors.submit(later.digest)
        with pytest.raises(Conflict) as raised:
            confirm(home)
        assert raised.value.code == "catalog_is_older"
        with pytest.raises(Conflict):
            said(home, "would fork")


def test_a_new_issuer_may_begin_where_a_restored_log_waits(made: tuple[Path, Path, CID], tmp_path: Path) -> None:
    with home_in(tmp_path / "home") as home:
        restore_backup(home, made[0])
    for path in (tmp_path / "home" / "keys").glob("0x*"):
        path.unlink()
    keys.load_or_create(tmp_path / "home", another=True)
    with home_in(tmp_path / "home") as home:
        said(home, "another's first")


def test_a_backup_is_for_its_owner_and_says_when_it_opens_the_key(tmp_path: Path) -> None:
    with home_in(tmp_path / "home") as home:
        filled(home, tmp_path / "faces")
        done = make_backup(home, tmp_path / "backup.tar")
        assert done["opens_key"]
        with pytest.raises(Conflict):
            make_backup(home, tmp_path / "backup.tar")
    assert stat.S_IMODE((tmp_path / "backup.tar").stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".emotionet")] == []
    with home_in(tmp_path / "nothing") as home, pytest.raises(NotFound):
        make_backup(home, tmp_path / "other.tar")
    assert not (tmp_path / "other.tar").exists()


def test_a_backup_without_blocks_restores_all_else(made: tuple[Path, Path, CID], tmp_path: Path) -> None:
    with home_in(made[1]) as home:
        make_backup(home, tmp_path / "small.tar", blocks=False)
    with home_in(tmp_path / "home") as home:
        assert restore_backup(home, tmp_path / "small.tar")["blocks"] is None
        assert list(home.store.cids()) == []
        assert tables(home.settings.database_url) == tables(f"sqlite:///{made[1] / 'catalog.sqlite'}")


def test_what_was_cut_or_changed_is_refused_whole(made: tuple[Path, Path, CID], tmp_path: Path) -> None:
    whole = made[0].read_bytes()
    bad = tmp_path / "bad.tar"
    for cut in (0, 1, 511, 512, 700, 2000, len(whole) // 2, len(whole) - 4000):
        bad.write_bytes(whole[:cut])
        assert refused(bad, tmp_path / "home").code in ("not_a_backup", "backup_damaged"), cut
    for place in range(600, len(whole), len(whole) // 40):
        if whole[place] == 0:  # padding, which says nothing
            continue
        bad.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert refused(bad, tmp_path / "home").code in ("not_a_backup", "backup_damaged"), place


def test_what_is_no_backup_or_came_after_this_program_is_refused_in_a_sentence(
    made: tuple[Path, Path, CID], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"a picture, perhaps")
    assert refused(other, tmp_path / "home").code == "not_a_backup"
    newer = made[0].read_bytes().replace(b'"v": 1', b'"v": 2', 1)
    other.write_bytes(newer)
    found = refused(other, tmp_path / "home")
    assert isinstance(found, NewerVersion)
    assert str(found) == "version 2 of backup is newer than this program"


def test_a_newer_database_is_not_backed_up(tmp_path: Path) -> None:
    with home_in(tmp_path / "home") as home:
        filled(home, tmp_path / "faces")
        with home.catalog.write() as db:
            db.exec_driver_sql("UPDATE alembic_version SET version_num = '9000'")
        with pytest.raises(NewerVersion, match="schema"):
            make_backup(home, tmp_path / "backup.tar")


def test_a_home_that_holds_something_is_left_as_it_is(made: tuple[Path, Path, CID], tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with home_in(folder) as home, pytest.raises(Conflict) as raised:
        restore_backup(home, made[0])
    assert raised.value.code == "not_empty"
    assert contents(folder) == {"mine.txt": b"mine"}


@pytest.fixture
def full_database(tmp_path: Path) -> str:
    """Another registry's database."""
    url = f"sqlite:///{tmp_path / 'theirs.sqlite'}"
    with home_in(tmp_path / "theirs", url) as home:
        filled(home, tmp_path / "faces")
    return url


def test_a_database_that_holds_something_is_left_as_it_is(
    made: tuple[Path, Path, CID], full_database: str, tmp_path: Path
) -> None:
    before = tables(full_database)
    with home_in(tmp_path / "home", full_database) as home, pytest.raises(Conflict) as raised:
        restore_backup(home, made[0])
    assert raised.value.code == "not_empty"
    assert tables(full_database) == before


def test_the_schema_of_a_backup_is_upgraded_when_it_is_restored(tmp_path: Path) -> None:
    """As of a program before: the database goes back one step, and comes forward with its rows."""
    with home_in(tmp_path / "home") as home:
        filled(home, tmp_path / "faces")
        home.catalog.downgrade("0021")
        make_backup(home, tmp_path / "backup.tar")
    with home_in(tmp_path / "restored") as home:
        assert restore_backup(home, tmp_path / "backup.tar")["schema"] == "0021"
        catalog = Catalog(home.settings.database_url)
        assert catalog.is_current()
        catalog.close()
