"""What deep audits found of content, kept in a file of this home for the next one: a table of keys and values.

Invariants: a value is there whole or not at all, also after a kill; what can't be read or written is computed again,
and ends no audit; there are at most ``MOST`` values, of which the oldest go first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

MOST = 1_000_000
WAIT = 10.0  # seconds for another audit that writes


class KnownResults:
    """``checks.target.deep.Known`` in one file, which is made by the first ``put``."""

    def __init__(self, path: Path, most: int = MOST) -> None:
        self._path, self._most = path, most

    def get(self, key: bytes) -> bytes | None:
        """What is known; None also where the file is damaged."""
        if not self._path.exists():
            return None
        try:
            with closing(self._open()) as db:
                row = db.execute("SELECT value FROM known WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error:
            return None
        return row[0] if row and isinstance(row[0], bytes) else None

    def put(self, found: Mapping[bytes, bytes]) -> None:
        """Keep it, and forget the oldest of too many."""
        if not found:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open()) as db, db:
                db.execute("CREATE TABLE IF NOT EXISTS known (number INTEGER PRIMARY KEY, key BLOB UNIQUE, value BLOB)")
                db.executemany("INSERT OR REPLACE INTO known (key, value) VALUES (?, ?)", found.items())
                db.execute("DELETE FROM known WHERE number <= (SELECT MAX(number) FROM known) - ?", (self._most,))
        except (sqlite3.Error, OSError):
            pass  # a home that may only be read, a full disk: it is computed again

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=WAIT)
