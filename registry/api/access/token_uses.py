"""When each token was last used, written at most once a minute.

Invariants: nobody who uses a token waits for the writers' lock: a thread of its own writes. What it could not write is
told in the log and given up; the next use of the token writes it again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from registry.catalog import tokens
from registry.catalog.database.database import Catalog
from registry.core.errors import EmotionetError

SECONDS = 60.0
REMEMBERED = 10_000
log = logging.getLogger("registry.api")


class TokenUses:
    """Of one process. Threads may share it."""

    def __init__(self, catalog: Catalog, now: Callable[[], str]) -> None:
        self._catalog, self._now = catalog, now
        self._lock = threading.Lock()
        self._noted: dict[str, float] = {}
        self._pending: dict[str, str] = {}
        self._thread: threading.Thread | None = None

    def note(self, token: str) -> None:
        """A token is used now."""
        with self._lock:
            if time.monotonic() < self._noted.get(token, 0.0):
                return
            if len(self._noted) >= REMEMBERED:
                self._noted.clear()
            self._noted[token] = time.monotonic() + SECONDS
            self._pending[token] = self._now()
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="token-uses", daemon=True)
                self._thread.start()

    def _write(self) -> None:
        while True:
            with self._lock:
                used, self._pending = self._pending, {}
                if not used:
                    self._thread = None
                    return
            try:
                with self._catalog.write(serial=False) as db:
                    tokens.note_use(db, used)
            except EmotionetError as error:
                log.warning("the last use of %d tokens could not be written: %s", len(used), error)

    def finish(self) -> None:
        """Wait until everything that was noted is written."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(30)
