"""Where each block lies: a SQLite file beside the packs.

Invariants: a row is written only after the bytes that it names were flushed; one transaction a batch, so
that a crash leaves all of a batch or none; several processes may use it at once. It holds nothing that the
packs, the pins' names and the blocks could not give again. Where nothing can be written it is read as it is.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from registry.content.stores.index_form import prepare
from registry.core.errors import Unavailable
from registry.sqlite_read_only import read_only_uri

_AHEAD, _TOGETHER = 10_000, 500  # blocks that are looked up before they are asked for, and by one statement
_WAIT = 60.0  # seconds that one process waits for another's transaction


class Place(NamedTuple):
    """A block's bytes: in which pack, where they begin, how many."""

    pack: str
    offset: int
    length: int


Row = tuple[bytes, int, int]  # multihash, offset, length


class Index:
    """One SQLite file; every method is safe to call from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._ahead: dict[bytes, Place] = {}
        fixed = read_only_uri(path)
        try:
            self._db = sqlite3.connect(
                fixed or path, timeout=_WAIT, isolation_level=None, check_same_thread=False, uri=fixed is not None
            )
            weakref.finalize(self, self._db.close)
            prepare(self._db, writable=fixed is None)
        except sqlite3.Error as error:
            raise Unavailable(f"the block store's index {path} can't be opened: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        with self._guard:
            self._db.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._guard:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise Unavailable(f"the block store's index {self._path} can't be read: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._guard:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                hint = "do this where the home can be written." if "readonly" in str(error) else None
                raise Unavailable(
                    f"the block store's index {self._path} can't be written: {error}", hint=hint
                ) from error

    def look_ahead(self, multihashes: Collection[bytes]) -> None:
        """Find blocks that are about to be asked for by a few statements; each is answered once from what was found."""
        query = "SELECT multihash, name, offset, length FROM blocks JOIN packs ON packs.id = pack"
        self._ahead = {row[0]: Place(*row[1:]) for row in self._of(query, list(multihashes)[:_AHEAD])}

    def held(self, multihashes: Sequence[bytes]) -> set[bytes]:
        """Those of them that lie here."""
        return {row[0] for row in self._of("SELECT multihash FROM blocks", multihashes)}

    def _of(self, query: str, multihashes: Sequence[bytes]) -> Iterator[Any]:
        """What a query finds of these blocks, by a few statements."""
        for start in range(0, len(multihashes), _TOGETHER):
            part = multihashes[start : start + _TOGETHER]
            with self._reading() as db:
                found = db.execute(f"{query} WHERE multihash IN ({', '.join('?' * len(part))})", part).fetchall()
            yield from found

    def find(self, multihash: bytes) -> Place | None:
        """Where a block lies."""
        if (known := self._ahead.pop(multihash, None)) is not None:
            return known
        with self._reading() as db:
            row = db.execute(
                "SELECT name, offset, length FROM blocks JOIN packs ON packs.id = pack WHERE multihash = ?",
                (multihash,),
            ).fetchone()
        return Place(*row) if row else None

    def multihashes(self) -> Iterator[bytes]:
        """Every block, by rising multihash, a page at a time: others may write between."""
        last = b""
        while True:
            with self._reading() as db:
                rows = db.execute(
                    "SELECT multihash FROM blocks WHERE multihash > ? ORDER BY multihash LIMIT 10000", (last,)
                ).fetchall()
            if not rows:
                return
            yield from (row[0] for row in rows)
            last = rows[-1][0]

    def counts(self) -> tuple[int, int]:
        """How many blocks, and their bytes."""
        with self._reading() as db:
            count, size = db.execute("SELECT count(*), coalesce(sum(length), 0) FROM blocks").fetchone()
        return count, size

    def packs(self) -> list[tuple[str, int]]:
        """Names and flushed sizes of all packs, the newest first."""
        with self._reading() as db:
            return db.execute("SELECT name, size FROM packs ORDER BY id DESC").fetchall()

    def blocks_of(self, pack: str) -> list[Row]:
        """A pack's blocks in the order in which they lie."""
        with self._reading() as db:
            return db.execute(
                "SELECT multihash, offset, length FROM blocks WHERE pack = (SELECT id FROM packs WHERE name = ?) "
                "ORDER BY offset",
                (pack,),
            ).fetchall()

    def add(self, packs: Iterable[tuple[str, int, Iterable[Row]]], again: Collection[bytes], now: int) -> None:
        """Take in flushed blocks: packs with the size they have now and their new rows; ``again`` lie here already.

        A row for a block that is there already is replaced: its bytes were found damaged. ``Unavailable`` if
        one of ``again`` was collected meanwhile.
        """
        with self._writing() as db:
            for pack, size, rows in packs:
                db.execute(
                    "INSERT INTO packs (name, size) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET size=excluded.size",
                    (pack, size),
                )
                (number,) = db.execute("SELECT id FROM packs WHERE name = ?", (pack,)).fetchone()
                db.executemany(
                    "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?)",
                    [(multihash, number, offset, length, now) for multihash, offset, length in rows],
                )
            self._touch(db, again, now)

    def touch(self, again: Collection[bytes], now: int) -> None:
        """Blocks that were put once more: garbage collection takes them for new."""
        with self._writing() as db:
            self._touch(db, again, now)

    def _touch(self, db: sqlite3.Connection, again: Collection[bytes], now: int) -> None:
        done = db.executemany("UPDATE blocks SET added = ? WHERE multihash = ?", [(now, one) for one in again])
        if again and done.rowcount != len(again):
            raise Unavailable(
                "a block was deleted as garbage while it was being stored again", hint="run the same command again."
            )

    def remove(self, multihashes: Iterable[bytes], before: int) -> tuple[int, int]:
        """Forget blocks that were added before that second; how many, and their bytes."""
        count = freed = 0
        with self._writing() as db:
            for multihash in multihashes:
                found = db.execute(
                    "DELETE FROM blocks WHERE multihash = ? AND added < ? RETURNING length", (multihash, before)
                ).fetchone()
                if found:
                    count, freed = count + 1, freed + found[0]
        return count, freed

    def move(self, old: str, new: str, size: int, rows: Iterable[Row]) -> None:
        """A pack's blocks lie in a new one now; the old pack is forgotten."""
        with self._writing() as db:
            db.execute("INSERT INTO packs (name, size) VALUES (?, ?)", (new, size))
            (number,) = db.execute("SELECT id FROM packs WHERE name = ?", (new,)).fetchone()
            (before,) = db.execute("SELECT id FROM packs WHERE name = ?", (old,)).fetchone()
            db.executemany(
                "UPDATE blocks SET pack = ?, offset = ? WHERE multihash = ? AND pack = ?",
                [(number, offset, multihash, before) for multihash, offset, _ in rows],
            )
            db.execute("DELETE FROM packs WHERE id = ?", (before,))

    def forget_pack(self, name: str) -> None:
        """A pack that holds no block any more."""
        with self._writing() as db:
            db.execute(
                "DELETE FROM packs WHERE name = ? AND NOT EXISTS (SELECT 1 FROM blocks WHERE pack = packs.id)", (name,)
            )

    def set_pin(self, cid: str, wanted: bool) -> None:
        """Write a pin down, or forget it."""
        with self._writing() as db:
            db.execute("INSERT OR IGNORE INTO pins VALUES (?)" if wanted else "DELETE FROM pins WHERE cid = ?", (cid,))

    def pins(self) -> list[str]:
        """Every pinned root."""
        with self._reading() as db:
            return [row[0] for row in db.execute("SELECT cid FROM pins ORDER BY cid")]

    def log_head(self, issuer: str) -> tuple[int, str] | None:
        """The newest entry of an issuer's log that was put here: its place and its CID."""
        with self._reading() as db:
            row = db.execute("SELECT seq, entry FROM log_heads WHERE issuer = ?", (issuer,)).fetchone()
        return (row[0], row[1]) if row else None

    def set_log_head(self, issuer: str, seq: int, entry: str) -> None:
        """Write it down, unless a later place or this one is there."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO log_heads VALUES (?, ?, ?) ON CONFLICT (issuer) "
                "DO UPDATE SET seq = excluded.seq, entry = excluded.entry WHERE excluded.seq > seq",
                (issuer, seq, entry),
            )
