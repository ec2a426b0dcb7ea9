"""What was worked out of content that can't change, remembered: so a record is read, and a comparison made, once.

Invariants: the values together weigh no more than was said, those that were not asked for longest are forgotten first;
an error is not remembered. Nobody changes what is given out. Threads may share it.

A key names everything that a value depends on: CIDs, the bytes themselves, a language. What may change (withdrawals,
audits, successors, names) is never part of such a value, but read anew beside it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def one(_: object) -> int:
    """Each value weighs the same."""
    return 1


class Remembered(Generic[K, V]):
    """Values by key. ``most``: what all may weigh together; ``weight``: what one weighs, by its key."""

    def __init__(self, most: int, weight: Callable[[K], int] = one) -> None:
        self._most, self._weight, self._lock = most, weight, threading.Lock()
        self._values: OrderedDict[K, V] = OrderedDict()
        self._sum = 0

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def of(self, key: K, make: Callable[[], V]) -> V:
        """The value that was made for a key, or is made now."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            if key not in self._values:
                self._sum += self._weight(key)
            self._values[key] = value
            while self._sum > self._most:
                self._sum -= self._weight(self._values.popitem(last=False)[0])
        return value
