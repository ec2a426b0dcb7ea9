"""Memory is shared out: who finds none waits, who needs more than there is runs alone, who is stopped leaves."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from registry.core.errors import Cancelled
from registry.jobs import capacity as capacity
from registry.jobs.capacity import MemoryBudget, free_memory


def nothing() -> None:
    """A check that nobody stops."""


def most_at_once(budget: MemoryBudget, wanted: list[int]) -> tuple[int, int]:
    """Bytes and children that were there together at most."""
    now: list[int] = []
    seen: list[tuple[int, int]] = []
    lock = threading.Lock()

    def one(size: int) -> None:
        with budget.take(size, nothing):
            with lock:
                now.append(size)
                seen.append((sum(now), len(now)))
            time.sleep(0.05)
            with lock:
                now.remove(size)

    threads = [threading.Thread(target=one, args=(size,)) for size in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(seen) == len(wanted)
    return max(size for size, _ in seen), max(count for _, count in seen)


def test_no_more_than_there_is() -> None:
    assert most_at_once(MemoryBudget(100), [40] * 6) == (80, 2)


def test_one_that_needs_more_than_there_is_runs_alone() -> None:
    assert most_at_once(MemoryBudget(100), [500, 500, 500]) == (500, 1)


def test_where_nothing_is_known_everybody_goes_in() -> None:
    assert most_at_once(MemoryBudget(0), [500] * 4)[1] > 1


def test_no_more_children_than_there_may_be() -> None:
    assert most_at_once(MemoryBudget(0, 2), [500] * 6) == (1000, 2)
    assert most_at_once(MemoryBudget(100, 2), [60] * 3) == (60, 1)


def test_who_waits_can_be_stopped_and_takes_nothing() -> None:
    budget = MemoryBudget(100)

    def stop() -> None:
        raise Cancelled("stop")

    with budget.take(80, nothing), pytest.raises(Cancelled), budget.take(80, stop):
        raise AssertionError("there was no budget")
    with budget.take(100, stop):
        pass


def test_this_machine_has_some_left() -> None:
    assert free_memory() > 100 << 20


@pytest.mark.parametrize(
    ("said", "bytes_left"),
    [("echo 4000", 4000 << 20), ("echo", 0), ("echo '[N/A]'", 0), ("echo no devices; exit 9", 0)],
)
def test_a_gpu_is_room_too_where_it_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, bytes_left: int
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{said}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(capacity, "free_memory", lambda: 64 << 30)
    assert capacity.free_gpu_memory() == bytes_left
    monkeypatch.delenv("EMOTIONET_DEVICE", raising=False)
    assert capacity.memory_for_children() == int((64 << 30) * capacity.SHARE)
    monkeypatch.setenv("EMOTIONET_DEVICE", "cuda")
    assert capacity.memory_for_children() == int((bytes_left or 64 << 30) * capacity.SHARE)


def test_without_a_gpus_program_nothing_is_known_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert capacity.free_gpu_memory() == 0
