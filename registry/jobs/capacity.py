"""How many children this process may have at once, how much memory they may take, and whether it was too much."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

SHARE = 0.9  # of what is free at the start; the rest is for everybody else
_CGROUP = (("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),)


def free_memory() -> int:
    """Bytes that this machine, or the container that we are in, has left; 0 where it can't be said."""
    found = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        (line,) = (one for one in lines if one.startswith("MemAvailable:"))
        found.append(int(line.split()[1]) << 10)
    for limit, used in _CGROUP:
        with contextlib.suppress(OSError, ValueError):  # "max" is no number: no limit
            found.append(int(Path(limit).read_text()) - int(Path(used).read_text()))
    return max(0, min(found)) if found else 0


def free_gpu_memory() -> int:
    """Bytes that the first GPU has left, as its driver's program says; 0 where there is none, or it does not say."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    asked = [program, "--id=0", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    with contextlib.suppress(OSError, ValueError, IndexError, subprocess.SubprocessError):
        done = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True)  # noqa: S603
        return int(done.stdout.split()[0]) << 20
    return 0


def memory_for_children() -> int:
    """Bytes that children may take together on this machine, its GPU's where they compute on it; 0: not known."""
    found = [free_memory()]
    if os.environ.get("EMOTIONET_DEVICE") == "cuda":
        found.append(free_gpu_memory())
    known = [one for one in found if one]
    return int(min(known) * SHARE) if known else 0


def oom_kills() -> int:
    """How many processes the system has ended for want of memory since it started; 0 where it does not say."""
    with contextlib.suppress(OSError, ValueError):
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return 0


class MemoryBudget:
    """Memory in bytes, shared by at most ``most`` children. ``total`` 0: not known, so every request is granted.
    ``most`` 0: any number of them."""

    def __init__(self, total: int, most: int = 0) -> None:
        self._total, self._most, self._changed = total, most, threading.Condition()
        self._taken = self._children = 0

    @contextlib.contextmanager
    def take(self, wanted: int, check: Callable[[], None]) -> Iterator[None]:
        """Wait until ``wanted`` bytes are free, and hold them. One that needs more than there is runs alone.

        ``check`` is called while waiting and may raise.
        """
        with self._changed:
            while self._is_full(wanted):
                check()
                self._changed.wait(0.25)
            self._taken += wanted
            self._children += 1
        try:
            yield
        finally:
            with self._changed:
                self._taken -= wanted
                self._children -= 1
                self._changed.notify_all()

    def _is_full(self, wanted: int) -> bool:
        if self._most and self._children >= self._most:
            return True
        return bool(self._total and self._taken) and self._taken + wanted > self._total
