"""A command run to its end: what it printed, seconds, processor seconds, the most memory that it held."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Run(NamedTuple):
    """``memory`` in bytes; ``status`` is the exit status, negative for a signal."""

    output: str
    status: int
    seconds: float
    processor: float
    memory: int


def watched(command: Sequence[str], more: Mapping[str, str] | None = None) -> Run:
    """One call. ``more``: variables beside those of this process."""
    with tempfile.TemporaryFile() as out:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, env={**os.environ, **(more or {})})
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    return Run(text, process.returncode, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss << 10)
