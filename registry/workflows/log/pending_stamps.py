"""Ask authorities and calendars again for what they still owe, beside a worker.

Invariants: a key is neither made nor opened for it where nothing waits; evidence of an anchor is put once it is proven,
as ``anchoring`` does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from registry.catalog.stamps import waiting_places
from registry.provenance.anchors.timestamp.place import StampPlace
from registry.workflows.log.anchoring import finish_pending
from registry.workflows.parts import Parts
from registry.workflows.upkeep.repeated import repeated

FIRST, PAUSE = 30.0, 600.0  # seconds: an authority is back in minutes, a calendar needs hours
_log = logging.getLogger("registry.anchors")


def ask_again(parts: Parts) -> int:
    """How many entries got their evidence."""
    waiting = waiting_places(parts.catalog) if parts.settings.tsa or parts.settings.ots else set()
    if not waiting:
        return 0
    places = [place for place in parts.places if isinstance(place, StampPlace) and place.chain in waiting]
    done = sum(finish_pending(parts, place) for place in places)
    if done:
        _log.info("%d entries that waited for a timestamp have it", done)
    return done


@contextmanager
def asked_again(parts: Parts, *, first: float = FIRST, pause: float = PAUSE) -> Iterator[None]:
    """In a thread, from time to time."""
    told = "what waits for timestamps was not asked for"
    with repeated("stamps", lambda: ask_again(parts), _log, told, first=first, pause=pause):
        yield
