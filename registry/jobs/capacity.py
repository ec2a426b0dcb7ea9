"""How many children this process may run at once, how much memory they may use, and whether memory ran out."""

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
    """Free memory of this machine or of the container that this process is in, in bytes; 0 where it is not known."""
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
    """Free memory of the first GPU in bytes, as nvidia-smi reports it; 0 without a GPU or a report."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    asked = [program, "--id=0", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    with contextlib.suppress(OSError, ValueError, IndexError, subprocess.SubprocessError):
        done = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True)  # noqa: S603
        return int(done.stdout.split()[0]) << 20
    return 0


def on_gpu() -> bool:
    """Whether trainings here compute on a GPU, as its operator says."""
    return os.environ.get("EMOTIONET_DEVICE") == "cuda"


def memory_for_children() -> int:
    """Memory in bytes that all children together may use on this machine (where they compute on a GPU, the smaller of
    its memory and the machine's); 0: not known.
    """
    found = [free_memory()]
    if on_gpu():
        found.append(free_gpu_memory())
    known = [one for one in found if one]
    return int(min(known) * SHARE) if known else 0


def oom_kills() -> int:
    """How many processes the system has killed because memory ran out, since it started; 0 where it is not known."""
    with contextlib.suppress(OSError, ValueError):
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return 0


class MemoryBudget:
    """Memory in bytes, shared by at most ``most`` children.

    ``total`` 0: not known, so every request is granted. ``most`` 0: any number of children.
    """

    def __init__(self, total: int, most: int = 0) -> None:
        self._total, self._most, self._changed = total, most, threading.Condition()
        self._taken = self._children = 0

    @contextlib.contextmanager
    def take(self, wanted: int, check: Callable[[], None]) -> Iterator[None]:
        """Wait until ``wanted`` bytes are free, and reserve them. A child that needs more than the total runs alone.

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
