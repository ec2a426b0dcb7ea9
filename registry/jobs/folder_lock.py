"""A lock by which one process at a time works in a folder.

Invariants: the lock is the operating system's, so it is free the moment its holder dies. The lock's file holds the
token (``Job.fence``) of its holder. A process with a newer token was given the job after the holder's lease had
expired, or after the run was resumed: it ends the holder, because the holder's stalled worker may be unable to. A
process with an older token leaves.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from registry.core.errors import Conflict, Unavailable

LOCK_SECONDS = 20.0


def this_machine() -> str:
    """Where a process number means this process: the machine, and the namespace in it."""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return platform.node()


@contextlib.contextmanager
def locked_folder(folder: Path, token: int = 0) -> Iterator[None]:
    """Hold the folder.

    ``Conflict`` (``lease_lost``) where somebody with a newer token works, or has worked, in it; ``Unavailable``
    (``folder_busy``) where the holder does not leave, and can't be ended from here.
    """
    until = time.monotonic() + LOCK_SECONDS
    with (folder / "lock").open("a+", encoding="utf-8") as lock:
        while not _taken(lock):
            holder = _read(lock)
            _give_way(folder, holder, token)
            _end(holder, token)
            if time.monotonic() > until:
                raise Unavailable(f"another process is still working in {folder}", code="folder_busy")
            time.sleep(0.2)
        _give_way(folder, _read(lock), token)
        lock.truncate(0)
        json.dump({"token": token, "process": os.getpid(), "machine": this_machine()}, lock)
        lock.flush()
        yield


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read(lock: IO[str]) -> dict[str, Any]:
    """Who holds it, or held it last; nothing is known of one that has just come, or of another version's."""
    lock.seek(0)
    with contextlib.suppress(ValueError):
        found = json.loads(lock.read(1000))
        if isinstance(found, dict) and all(type(found.get(name)) is int for name in ("token", "process")):
            return found
    return {}


def _give_way(folder: Path, holder: dict[str, Any], token: int) -> None:
    if holder.get("token", 0) > token:
        raise Conflict(f"another worker took over the job that works in {folder}", code="lease_lost")


def _end(holder: dict[str, Any], token: int) -> None:
    """End an older holder's whole process group, if it is on this machine. It holds the lock, so it is alive."""
    if (
        holder
        and holder["token"] < token
        and holder.get("machine") == this_machine()
        and holder["process"] != os.getpid()
    ):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(holder["process"], signal.SIGKILL)
