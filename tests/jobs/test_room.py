"""Memory is shared out: who finds none waits, who needs more than there is runs alone, who is stopped leaves."""

from __future__ import annotations

import threading
import time

import pytest

from registry.core.errors import Cancelled
from registry.jobs.room import Room, free_memory


def nothing() -> None:
    """A check that nobody stops."""


def most_at_once(room: Room, wanted: list[int]) -> tuple[int, int]:
    """Bytes and children that were there together at most."""
    now: list[int] = []
    seen: list[tuple[int, int]] = []
    lock = threading.Lock()

    def one(size: int) -> None:
        with room.take(size, nothing):
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
    assert most_at_once(Room(100), [40] * 6) == (80, 2)


def test_one_that_needs_more_than_there_is_runs_alone() -> None:
    assert most_at_once(Room(100), [500, 500, 500]) == (500, 1)


def test_where_nothing_is_known_everybody_goes_in() -> None:
    assert most_at_once(Room(0), [500] * 4)[1] > 1


def test_who_waits_can_be_stopped_and_takes_nothing() -> None:
    room = Room(100)

    def stop() -> None:
        raise Cancelled("stop")

    with room.take(80, nothing), pytest.raises(Cancelled), room.take(80, stop):
        raise AssertionError("there was no room")
    with room.take(100, stop):
        pass


def test_this_machine_has_some_left() -> None:
    assert free_memory() > 100 << 20
