"""Fill a home from a folder inside it, which holds all of it before the first part takes its place.

``HOME/restoring`` is the folder. Until ``ready`` lies in it, nothing was moved, and whoever comes after a kill begins
anew; from then on whoever comes moves what is left. The program opens no home while the folder is there.

Invariants: one process at a time; a home that holds something is not touched; each part is flushed before ``ready`` is.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.core.errors import Conflict, not_read, not_written
from registry.files import single_writer_file, sync_folder
from registry.settings import RESTORING
from registry.workflows.log.restored import mark_of

READY, _LOADED = "ready", "loaded"
_NOTHING = {"lost+found", "cache"}  # what may lie in a home that holds nothing


class Staging:
    """The folder, and the home around it; make one with ``staged``."""

    def __init__(self, home: Path) -> None:
        self.home, self.folder = home, home / RESTORING

    def begin(self, backup: str) -> bool:
        """Whether the parts have to be made: not where this very backup is ready. ``Conflict`` (``not_empty``)."""
        ready = self._said(READY)
        if ready == backup or self._ended(backup):
            return False
        if ready is not None:
            raise Conflict(
                f"another backup is being restored into {self.home}",
                code="not_empty",
                hint="finish with that one, or name another EMOTIONET_HOME.",
            )
        if held := self._held():
            raise Conflict(
                f"{self.home} holds something already: {held[0]}",
                code="not_empty",
                hint="name an empty or a new folder: EMOTIONET_HOME=FOLDER.",
            )
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        return True

    def _held(self) -> list[str]:
        return sorted(one.name for one in self.home.iterdir() if one.name not in {RESTORING, *_NOTHING})

    def _ended(self, backup: str) -> bool:
        """Whether a process was killed in ``end``: all parts are in their places."""
        begun = self.folder.is_dir() and not any(self.folder.iterdir())
        return begun and bool(self._held()) and mark_of(self.home).get("backup") == backup

    def is_loaded(self) -> bool:
        """Whether a database elsewhere is known to be filled, or has nothing to be filled with any more."""
        return self._said(_LOADED) is not None or self._said(READY) is None

    def write(self, name: str, data: bytes) -> None:
        """One file, by its path in the home."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with single_writer_file(path, mode=0o600) as stream:
            stream.write(data)

    def ready(self, backup: str) -> None:
        """All parts are here, and survive a crash."""
        for folder in [self.folder, *(one for one in self.folder.rglob("*") if one.is_dir())]:
            sync_folder(folder)
        self.write(READY, backup.encode())
        sync_folder(self.home)

    def loaded(self) -> None:
        """A database elsewhere is filled."""
        self.write(_LOADED, b"")

    def move(self, first: str) -> None:
        """Give each part its place, ``first`` first; done again, it moves what is left."""
        found = sorted(self.folder.iterdir(), key=lambda one: (one.name != first, one.name))
        for part in found:
            if part.name not in (READY, _LOADED):
                part.replace(self.home / part.name)
                sync_folder(self.home)

    def end(self) -> None:
        """The home is one as any other from now on."""
        (self.folder / READY).unlink(missing_ok=True)  # first: a database that is loaded is not looked at again
        (self.folder / _LOADED).unlink(missing_ok=True)
        self.folder.rmdir()
        sync_folder(self.home)

    def _said(self, name: str) -> str | None:
        try:
            return (self.folder / name).read_text(encoding="ascii")
        except FileNotFoundError:
            return None


@contextmanager
def staged(home: Path) -> Iterator[Staging]:
    """The home's folder, made and locked. ``Conflict`` (``folder_busy``) while another process restores into it;
    ``Unavailable`` where the system refuses."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise not_written(f"the home {home}", error) from error
    try:
        handle = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise not_read(home, error) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Conflict(f"another process restores into {home}", code="folder_busy", hint="wait for it.") from error
        try:
            yield Staging(home)
        except OSError as error:
            raise not_written(home, error) from error
    finally:
        os.close(handle)
