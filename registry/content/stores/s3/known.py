"""What this machine knows of the bucket: where each block lies, in a SQLite file of the home's cache.

Invariants: it follows from the bucket's commits up to ``position`` alone, so it may be deleted at any time; a commit is
taken in whole, in one transaction, and once, whichever of the machine's processes read it first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from registry.content.stores.index import Index
from registry.content.stores.s3.pack import PackName, Row
from registry.core.ipld.cid import CID

_SCHEMA = """
CREATE TABLE IF NOT EXISTS position (one INTEGER PRIMARY KEY CHECK (one = 1), commit_number INTEGER NOT NULL);
INSERT OR IGNORE INTO position VALUES (1, 0);
CREATE TABLE IF NOT EXISTS places (
  name TEXT PRIMARY KEY, size INTEGER NOT NULL, index_at INTEGER NOT NULL, cid TEXT NOT NULL
) WITHOUT ROWID;
"""


class Known(Index):
    """One file for one bucket."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(path)
        with self._writing() as db:
            for statement in filter(str.strip, _SCHEMA.split(";\n")):
                db.execute(statement)

    def position(self) -> int:
        """The newest commit that was taken in; 0: none."""
        with self._reading() as db:
            return int(db.execute("SELECT commit_number FROM position").fetchone()[0])

    def take(
        self,
        position: int,
        before: int,
        packs: Sequence[tuple[PackName, Iterable[Row]]],
        gone: Iterable[str],
        again: Iterable[bytes] | None,
        now: int,
    ) -> bool:
        """Take in what commits up to ``position`` say, where ``before`` is the newest that was; whether it was.

        ``again`` None: which blocks were put once more is not known, so every one counts as put ``now``.
        """
        with self._writing() as db:
            if db.execute("SELECT commit_number FROM position").fetchone()[0] != before:
                return False
            for name in gone:
                db.execute("DELETE FROM blocks WHERE pack = (SELECT id FROM packs WHERE name = ?)", (name,))
                db.execute("DELETE FROM packs WHERE name = ?", (name,))
                db.execute("DELETE FROM places WHERE name = ?", (name,))
            for pack, rows in packs:
                db.execute("INSERT OR IGNORE INTO packs (name, size) VALUES (?, ?)", (pack.name, pack.size))
                (number,) = db.execute("SELECT id FROM packs WHERE name = ?", (pack.name,)).fetchone()
                db.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)", (*pack[:3], str(pack.cid)))
                db.executemany(
                    "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?)",
                    ((one[0], number, *one[1:], now) for one in rows),
                )
            if again is None:
                db.execute("UPDATE blocks SET added = max(added, ?)", (now,))
            else:
                db.executemany("UPDATE blocks SET added = ? WHERE multihash = ?", ((now, one) for one in again))
            db.execute("UPDATE position SET commit_number = ?", (position,))
        return True

    def places(self) -> list[PackName]:
        """Every pack, the oldest first."""
        with self._reading() as db:
            found = db.execute(
                "SELECT places.name, places.size, index_at, cid FROM places JOIN packs USING (name) ORDER BY packs.id"
            ).fetchall()
        return [PackName(name, size, at, CID.parse(cid)) for name, size, at, cid in found]

    def added(self, multihash: bytes) -> int | None:
        """When a block was put last, in seconds since 1970."""
        with self._reading() as db:
            row = db.execute("SELECT added FROM blocks WHERE multihash = ?", (multihash,)).fetchone()
        return row[0] if row else None
