"""The planner is told of the tables on a schedule, whatever happens meanwhile."""

from __future__ import annotations

import threading

from registry.core.errors import Unavailable
from registry.workflows.upkeep.statistics import kept_statistics


class Parts:
    """Of a home only its catalog, which can't be written the first time."""

    def __init__(self) -> None:
        self.catalog, self.asked, self.again = self, 0, threading.Event()

    def analyze(self) -> None:
        self.asked += 1
        if self.asked == 1:
            raise Unavailable("the database is away", code="catalog")
        self.again.set()


def test_the_planner_is_told_again_and_again_and_an_hour_that_fails_ends_nothing() -> None:
    parts = Parts()
    with kept_statistics(parts, first=0.01, pause=0.01):  # type: ignore[arg-type]
        assert parts.again.wait(20)
    asked = parts.asked
    assert asked >= 2
    assert not [one for one in threading.enumerate() if one.name == "statistics"]
    assert parts.asked == asked
