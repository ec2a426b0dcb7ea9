"""Which blocks this registry serves to strangers: those below published roots, and no others.

Published are: every entry and evidence in the catalog with everything that they link to, every image of a contribution,
and every source that was imported with the option to publish it. So these are not served, even to a client that knows
the CID: a private folder's root and its labels.csv (which hold file names, often names of people), images that were
never registered, and the results of a run that was not published. The content of a private folder that was not
registered here stays private, whatever a row, a record or a link says of it
(``registry.workflows.store.private_blocks``).

Invariants: a withdrawn image is no longer served (410), nor are blocks that only it reaches. A block that is held but
not below anything published is 404, as if it were not held. A block is identified by its multihash, so another codec or
CID version changes nothing.

Cost: the set of published multihashes is kept in memory (about 100 bytes per block) and grows as more is published.
Finding it reads every block that has links once, never an image's leaves.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from registry.api.problems import HttpProblem
from registry.catalog.database.database import Connection
from registry.catalog.queries.roots import is_image, is_published, is_withdrawn, published_mark, published_roots
from registry.catalog.queries.signed_records.withdrawals import withdrawn_cids
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, IDENTITY, RAW
from registry.workflows.local_issuers import local_issuers
from registry.workflows.parts import Parts
from registry.workflows.store.private_blocks import PublicStore as PublicStore
from registry.workflows.store.private_blocks import private_blocks

_Mark = tuple[int, ...]


class Public:
    """Decides what is given out. One object serves all threads."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._closed_at: _Mark = ()
        self._reached_at: _Mark = ()
        self._reached: set[bytes] = set()
        self._walked: set[CID] = set()  # whose links were followed: what is mere bytes here may hold links there
        self._absent: set[CID] = set()
        self._withheld: frozenset[bytes] = frozenset()
        self._private: frozenset[bytes] = frozenset()

    def check(self, cid: CID) -> None:
        """``HttpProblem`` 410 for a withdrawn image, ``NotFound`` for what is not given out."""
        if cid.hash_code == IDENTITY:
            return  # it holds its own bytes: there is nothing to give out
        with self._parts.catalog.read() as db:
            if published_mark(db) == self._closed_at and cid.multihash in self._reached:
                return
            if is_published(db, cid, local_issuers(self._parts)):
                return  # without a walk from all roots
        with self._lock, self._parts.catalog.read() as db:
            self._look(db)
            withdrawn, image = is_withdrawn(db, cid), is_image(db, cid)  # a new name of an image is no change of a mark
            closed = withdrawn or cid.multihash in self._withheld or cid.multihash in self._private
            if not closed and not image and cid.multihash not in self._reached:
                self._take_published(db)
            known = image or cid.multihash in self._reached
        if withdrawn or cid.multihash in self._withheld:
            raise HttpProblem(410, f"{cid} was withdrawn: /api/v1/lookup/{cid} names by whom")
        if closed or not known:
            raise NotFound(f"{cid} is not published here", hint="ask another gateway, or check the CID.")

    def hidden(self) -> frozenset[bytes]:
        """Multihashes of what is held for this registry alone: to others it must look as if it were not held."""
        with self._lock, self._parts.catalog.read() as db:
            self._look(db)
            return self._private

    def withheld(self) -> frozenset[bytes]:
        """Multihashes of images that are withdrawn by now: whoever packs what lies below something passes them over.
        (``check`` of a record that holds one has nothing to say of it.)"""
        with self._parts.catalog.read() as db:
            return frozenset(cid.multihash for cid in withdrawn_cids(db))

    def _look(self, db: Connection) -> None:
        if (mark := published_mark(db)) != self._closed_at:
            self._take_closed(db)
            self._closed_at = mark

    def public_store(self) -> PublicStore:
        """The store as others may read it."""
        return PublicStore(self._parts.store, self.hidden())

    def _take_closed(self, db: Connection) -> None:
        """What is not given out. If that has changed, what was reached only through it has to go: begin again."""
        withheld = frozenset(cid.multihash for cid in withdrawn_cids(db))
        hidden = private_blocks(self._parts)
        if withheld != self._withheld or not hidden <= self._private:
            self._reached_at = ()
            self._reached, self._walked, self._absent = set(), set(), set()
        elif hidden != self._private:
            self._reached_at = ()  # what was passed over is a root now, or lies below one
        self._withheld, self._private = withheld, hidden

    def _take_published(self, db: Connection) -> None:
        """Take in what was published, or whose bytes came, since the last look."""
        if self._closed_at != self._reached_at:
            self._reach(published_roots(db, flat=False))
            self._reached_at = self._closed_at
        self._reach([cid for cid in self._absent if self._parts.store.has(cid)])

    def _reach(self, roots: Iterable[CID]) -> None:
        pending = list(roots)
        while pending:
            cid = pending.pop()
            if cid in self._walked or cid.multihash in self._withheld or cid.multihash in self._private:
                continue
            if cid.codec == RAW:
                self._reached.add(cid.multihash)
                continue
            try:
                data = self._parts.store.get(cid)
            except NotFound:
                self._absent.add(cid)
                continue
            self._absent.discard(cid)
            self._reached.add(cid.multihash)
            self._walked.add(cid)
            pending += _links(data, cid.codec)


def _links(data: bytes, codec: int) -> list[CID]:
    """Links of a block; none of one that a stranger wrote badly: it is given out as it is."""
    try:
        return encoding.links(data, codec)
    except InvalidInput:
        return []
