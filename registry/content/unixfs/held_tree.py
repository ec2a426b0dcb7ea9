"""The files of a directory that the store holds: listed, read, measured.

Invariants: nothing is written; a symbolic link is named and never followed; walks are bounded in entries and depth.
"""

from __future__ import annotations

from registry.content.unixfs import reader
from registry.content.unixfs.importer import Added
from registry.content.unixfs.local_tree import Listing, bound
from registry.core.errors import EmotionetError, InvalidInput, NotFound
from registry.core.ipld import unixfs
from registry.core.ipld.cid import CID, RAW
from registry.core.ports.store import BlockReader

MAX_DEPTH = 100


class HeldTree:
    """A directory that the store holds; nothing is written."""

    def __init__(self, store: BlockReader, root: CID) -> None:
        self.name, self._store = str(root), store
        self._cids: dict[str, CID] = {}
        self._added: dict[str, Added] = {}
        self.listing = Listing()
        self._list(root)

    def _list(self, root: CID) -> None:
        todo = [("", root, 0)]
        while todo:
            prefix, folder, depth = todo.pop()
            if depth > MAX_DEPTH:
                raise InvalidInput(f"{root} holds folders nested deeper than {MAX_DEPTH}", code="too_deep")
            for name, entry in reader.entries(self._store, folder):
                kind = _kind(self._store, entry.cid)
                if kind in reader.DIRECTORIES:
                    todo.append((f"{prefix}{name}/", entry.cid, depth + 1))
                elif kind == unixfs.SYMLINK:
                    self.listing.links.append(prefix + name)
                else:
                    self._cids[prefix + name] = entry.cid
                bound(len(self._cids) + len(todo) + len(self.listing.links))
        self.listing.files = sorted(self._cids)

    def read(self, path: str, limit: int) -> bytes:
        """A listed file's bytes, up to ``limit``; of one that claims to be larger than any file here, none."""
        reader.check_file_size(self._store, self._cids[path], reader.MAX_WHOLE)
        return b"".join(reader.read_file(self._store, self._cids[path], 0, limit))

    def add(self, path: str, digest: bool = True) -> Added:
        """What is held already, measured once."""
        if path not in self._added:
            self._added[path] = measured(self._store, self._cids[path])
        return self._added[path]

    def take(self, path: str, limit: int) -> tuple[Added, bytes]:
        """The same, and its bytes up to ``limit``."""
        return self.add(path), self.read(path, limit)


def _kind(store: BlockReader, cid: CID) -> int | None:
    """An entry's type; None if its block can't be read, which fails when its content is read."""
    if cid.codec == RAW:
        return unixfs.FILE
    try:
        found = reader.read_node(store, cid)
    except (NotFound, InvalidInput):
        return None
    return found[1].kind if found else None


def measured(store: BlockReader, cid: CID) -> Added:
    """A held file's sha256 and size. An ``EmotionetError`` if it is none, or not whole."""
    found = reader.measure(store, cid)
    return Added(cid, found.size, 0, found.sha256)


def look_up(store: BlockReader | None, cid: CID) -> Added:
    """A row's image that is named by its CID. ``InvalidInput`` (``not_held``) where it is not held."""
    try:
        if store is not None and store.has(cid):
            return measured(store, cid)
    except NotFound as error:
        raise EmotionetError(str(error), code=error.code) from error
    raise InvalidInput(f"{cid} is not held here", code="not_held", hint="import it, or a CAR file of it, first.")
