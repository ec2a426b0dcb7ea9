"""The form of the embedded store's index: its tables, and the version of the store that it belongs to.

Invariant: a store of a newer version is neither read nor changed.
"""

from __future__ import annotations

import sqlite3

from registry.core.errors import NewerVersion

VERSION = 1  # in the file's user_version; 0: by a program that did not write it yet, the same otherwise
_TABLES = """
CREATE TABLE IF NOT EXISTS packs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, size INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS blocks (
  multihash BLOB PRIMARY KEY, pack INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL,
  added INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pins (cid TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS log_heads (issuer TEXT PRIMARY KEY, seq INTEGER NOT NULL, entry TEXT NOT NULL);
"""


def prepare(db: sqlite3.Connection, *, writable: bool) -> None:
    """Check the version, and make what is not there yet. ``NewerVersion`` for a store that came after this program."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise NewerVersion("the block store", version)
    if not writable:
        return
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.executescript(_TABLES)
    if version < VERSION:
        db.execute(f"PRAGMA user_version = {VERSION}")
