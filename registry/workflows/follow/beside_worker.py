"""Bring followed logs up to date beside a worker.

Invariant: nothing waits for it, and an hour in which it can't be done ends nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from registry.workflows.follow.keep_up import bring_all_up_to_date
from registry.workflows.parts import Parts
from registry.workflows.upkeep.repeated import repeated

FIRST = 5.0  # seconds
_log = logging.getLogger("registry.follow")


@contextmanager
def kept_up_to_date(parts: Parts, *, first: float = FIRST) -> Iterator[None]:
    """Ask in a thread for all logs whose time has come (``pace``), ``first`` seconds from now and then every
    EMOTIONET_FOLLOW_SECONDS."""

    def work() -> None:
        for one in bring_all_up_to_date(parts, due=True):
            _log.info("%s is %s: %s entries", one["issuer"], one["state"], one["entries"])

    told = "followed logs were not brought up to date"
    with repeated("follow", work, _log, told, first=first, pause=parts.settings.follow_seconds):
        yield
