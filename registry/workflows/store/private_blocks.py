"""Blocks that only this home may read: those of folders that were imported without ``--publish-source``.

Their file names, their tables of labels (which may contain names of people) and the files that no import registered
stay private, whatever a row, a record or a request says of them later.

Invariants: an image that was registered here, from a folder or with a token, is not among them, nor is anything that
was published on purpose. A row that a stranger signed changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from registry.catalog import private_data as private
from registry.catalog.queries.roots import registered_here_among, shown_here_roots
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import not_here
from registry.core.ipld.encoding import LINKING, links
from registry.core.ports.store import BlockReader
from registry.workflows.local_issuers import local_issuers
from registry.workflows.parts import Parts

AT_ONCE = 400  # blocks of which the catalog is asked in one question


@dataclass(frozen=True, slots=True)
class PublicStore:
    """A store without the blocks in ``hidden`` (multihashes): links to them lead to absent blocks."""

    store: BlockReader
    hidden: frozenset[bytes]

    def hides(self, cid: CID) -> bool:
        """Whether a block is held for this registry alone."""
        return cid.multihash in self.hidden

    def has(self, cid: CID) -> bool:
        """Whether others may know that it is held."""
        return not self.hides(cid) and self.store.has(cid)

    def get(self, cid: CID) -> bytes:
        """The verified bytes. ``NotFound`` where they are absent, corrupt or hidden."""
        if self.hides(cid):
            raise not_here(cid)
        return self.store.get(cid)


def private_blocks(parts: Parts) -> frozenset[bytes]:
    """Multihashes of everything that only private folders reach; costs what these hold, not what is registered."""
    with parts.catalog.read() as db:
        roots = private.private_roots(db)
        if not roots:
            return frozenset()
        own = local_issuers(parts)
        published = _below(parts.store, private.published_folders(db), set(), lambda _: set())
        shown = published | {cid.multihash for cid in shown_here_roots(db, own)}
        return frozenset(_below(parts.store, roots, shown, lambda some: registered_here_among(db, some, own)))


def _below(
    store: BlockReader, roots: set[CID], shown: set[bytes], more: Callable[[list[CID]], set[bytes]]
) -> set[bytes]:
    """A block that is absent, damaged or malformed is counted, and has no links. ``more`` of what is shown is asked for
    some at a time."""
    pending, found = list(roots), set[bytes]()
    while pending:
        pending, some = pending[AT_ONCE:], pending[:AT_ONCE]
        some = [cid for cid in some if cid.multihash not in shown and cid.multihash not in found]
        others = more(some)
        for cid in some:
            if cid.multihash in others or cid.multihash in found:
                continue
            found.add(cid.multihash)
            if cid.codec in LINKING:
                try:
                    pending += links(store.get(cid), cid.codec)
                except (NotFound, InvalidInput):
                    continue
    return found
