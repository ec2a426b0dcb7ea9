"""Two ways in turn, and how their medians compare: these machines are noisy, so read the ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 5


def seconds(work: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def compare(
    name: str, ours: Callable[[], float], baseline: Callable[[], float], against: str, *, size: int | None = None
) -> None:
    """Both in turn, one round unheeded, then ROUNDS; medians, the ratio of the baseline's seconds to ours, MB/s."""
    ours(), baseline()
    pairs = [(ours(), baseline()) for _ in range(ROUNDS)]
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    speed = f"  {size / mine / 1e6:6.0f} MB/s" if size else ""
    print(f"{name:40} {mine:7.3f} s   {against:26} {theirs:7.3f} s   ratio {theirs / mine:5.2f}{speed}", flush=True)


def peak() -> int:
    """Bytes of memory that this process has held at most (getrusage would count those of its parent too)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))
