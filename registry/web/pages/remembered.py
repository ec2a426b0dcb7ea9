"""What pages worked out of content that can't change, remembered by its CID: so a list reads each record once.

Invariants: at most so many values are kept, those that were not asked for longest are forgotten first; an error is not
remembered. Threads may share it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class Remembered(Generic[V]):
    """Values by CID."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._values: OrderedDict[str, V] = OrderedDict()

    def of(self, cid: str, make: Callable[[], V]) -> V:
        """The value that was made for a CID, or is made now."""
        with self._lock:
            if cid in self._values:
                self._values.move_to_end(cid)
                return self._values[cid]
        value = make()
        with self._lock:
            self._values[cid] = value
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value
