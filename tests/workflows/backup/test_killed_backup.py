"""kill -9 of a backup and of a restore before each change that it makes to a folder: nothing is there in part, and the
same command, run again, does it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from registry.core.errors import Conflict, Unavailable
from registry.workflows.backup.make_backup import make_backup
from registry.workflows.backup.restore_backup import restore_backup
from tests.catalog.databases import KINDS, fresh_url
from tests.support.processes.together import alone
from tests.workflows.backup.homes import contents, filled, home_in, tables

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}
MADE = os.O_CREAT | os.O_TRUNC


def dies_before(number: int, folder: Path) -> None:
    """End this process before the change of that number, below a folder."""
    left = [number]

    def watch(event: str, given: tuple[Any, ...]) -> None:
        makes = event == "open" and isinstance(given[2], int) and given[2] & MADE
        if not (event in CHANGES or makes) or not str(given[0]).startswith(str(folder)):
            return
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def back_up(home: Path, out: Path, number: int) -> None:
    with home_in(home) as opened:
        dies_before(number, out.parent)
        make_backup(opened, out)


def restore(home: Path, backup: Path, url: str | None, number: int) -> None:
    with home_in(home, url) as opened:
        dies_before(number, home.parent)
        restore_backup(opened, backup)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    with home_in(tmp_path / "first") as home:
        filled(home, tmp_path / "faces")
        make_backup(home, tmp_path / "backup.tar")
    return tmp_path / "backup.tar"


def test_a_backup_that_was_killed_is_not_there(backup: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "again.tar"
    out.parent.mkdir()
    for number in range(20):
        ended = alone(back_up, tmp_path / "first", out, number) == 0
        if out.exists():  # whole, as the restore below shows
            break
        assert not ended
    else:
        pytest.fail("it was always killed")
    assert number >= 2  # killed before the file was made, and before it took its name
    with home_in(tmp_path / "home") as home:
        restore_backup(home, out)


@pytest.mark.parametrize("kind", KINDS)
def test_a_restore_that_was_killed_goes_on(
    kind: str, backup: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    wanted = tables(f"sqlite:///{tmp_path / 'first' / 'catalog.sqlite'}")
    step, number, killed = (5 if kind == "sqlite" else 15), 0, 0
    while True:
        place = tmp_path / f"{number}"
        place.mkdir()
        with fresh_url(kind, place, request) as found:
            url = None if kind == "sqlite" else found
            ended = alone(restore, place / "home", backup, url, number) == 0
            check_begun(place / "home", url, backup)
            with home_in(place / "home", url) as home:
                rows = tables(home.settings.database_url)
                assert {name: len(held) for name, held in rows.items()} == {
                    name: len(held) for name, held in wanted.items()
                }
                assert sum(1 for _ in home.store.cids()) > 4
                assert contents(place / "home" / "keys") == contents(tmp_path / "first" / "keys", without={"lock"})
            if ended:
                break
        killed, number = killed + 1, number + step
    assert killed > 1


def check_begun(folder: Path, url: str | None, backup: Path) -> None:
    """What a restore left is empty, whole or not to be opened; then restore again, unless it is whole."""
    whole = folder.is_dir() and not (folder / "restoring").exists() and (folder / "keys").exists()
    if (folder / "restoring").exists():
        with home_in(folder, url) as home, pytest.raises(Unavailable) as raised:
            _ = home.catalog
        assert raised.value.code == "restoring"
    with home_in(folder, url) as home:
        if not whole:
            restore_backup(home, backup)
            return
        with pytest.raises(Conflict) as refused:
            restore_backup(home, backup)
        assert refused.value.code == "not_empty"
