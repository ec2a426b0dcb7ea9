"""What the database's planner knows of the tables, kept up beside a worker.

Invariant: nothing waits for it, and an hour in which it can't be done ends nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from registry.workflows.parts import Parts
from registry.workflows.upkeep.repeated import repeated

FIRST, PAUSE = 60.0, 3600.0  # seconds
_log = logging.getLogger("registry.upkeep")


@contextmanager
def kept_statistics(parts: Parts, *, first: float = FIRST, pause: float = PAUSE) -> Iterator[None]:
    """Have the planner told in a thread, ``first`` seconds from now and then every ``pause`` seconds."""
    told = "the planner was not told of the tables"
    with repeated("statistics", parts.catalog.analyze, _log, told, first=first, pause=pause):
        yield
