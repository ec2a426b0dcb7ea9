"""What an audit says while methods run for it, and when it stops waiting for them."""

from __future__ import annotations

import time

from registry.core.errors import Unavailable, Untrusted
from registry.core.text.cleaning import counted
from registry.provenance.checks.target.deep import Watch

TOLD = 3  # images after which it is said how long all will take


class Told:
    """How far all of the seeing is; once, how long it will take."""

    def __init__(self, watch: Watch, total: int) -> None:
        self._watch, self._total, self._done, self._first = watch, total, 0, 0.0

    def __call__(self, seen: int) -> None:
        if not seen:
            return
        self._done += seen
        self._watch.progress("level 7: images", self._done, self._total)
        if self._done == 1:  # what came before it was loading
            self._first = time.monotonic()
        if self._done == 1 + TOLD and self._total > self._done:
            each = (time.monotonic() - self._first) / TOLD
            self._watch.say(f"level 7: about {time_text(round(each * (self._total - self._done)))} are left")


class Alive:
    """Ends a child that says nothing for too long."""

    def __init__(self, seconds: float, *, exported: bool = False) -> None:
        self._seconds, self._exported, self._at = seconds, exported, time.monotonic()

    def heard(self) -> None:
        """It said something."""
        self._at = time.monotonic()

    def check(self) -> None:
        """``Untrusted`` of a stranger's program, ``Unavailable`` of a method."""
        if time.monotonic() - self._at <= self._seconds:
            return
        said = f"it was silent for {self._seconds:.0f} s and was ended"
        raise Untrusted(said, code="endless") if self._exported else Unavailable(said, code="endless")


def time_text(seconds: int) -> str:
    """So many seconds in words, rounded up."""
    if seconds < 100:
        return counted(seconds, "second")
    return counted(-(-seconds // 60), "minute") if seconds < 7200 else counted(-(-seconds // 3600), "hour")
