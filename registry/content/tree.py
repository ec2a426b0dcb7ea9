"""The files below a folder, on this machine or in a DAG that the store holds: listed, read, taken in.

Invariants: only regular files are listed; a symbolic link on this machine is followed inside its folder, and out of it
only with ``follow_links``; in a DAG none is followed; what can't be listed or named is counted and told. Walks are
bounded in entries and depth.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from registry.content import importer, reader
from registry.content.importer import Added, Sink
from registry.core import unixfs
from registry.core.cid import CID, RAW
from registry.core.errors import EmotionetError, InvalidInput, NotFound, not_read
from registry.core.store import BlockReader

MAX_ENTRIES = 20_000_000
MAX_DEPTH = 100


@dataclass
class Listing:
    """``files`` by path, sorted; ``outside`` links that lead out of a folder on this machine, ``links`` those of a DAG,
    ``unnamed`` names that are no UTF-8, ``closed`` folders that can't be listed, ``broken`` links to nothing, each
    shown as far as it can be."""

    files: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def notes(self) -> list[str]:
        """A sentence for each kind of thing that was passed over."""
        kinds = (
            (self.links, "symbolic links are not followed"),
            (self.unnamed, "names are no UTF-8 and were passed over: rename them"),
            (self.closed, "folders can't be listed and were passed over"),
            (self.broken, "links lead to nothing"),
        )
        return [f"{len(paths)} {what}: {shown(paths)}" for paths, what in kinds if paths]


def shown(paths: list[str], most: int = 5) -> str:
    """A few paths for a sentence."""
    return ", ".join(paths[:most]) + (f" and {len(paths) - most} more" if len(paths) > most else "")


class Tree(Protocol):
    """A folder that is imported; ``name`` is how somebody imports it."""

    name: str
    listing: Listing

    def read(self, path: str, limit: int) -> bytes:
        """A listed file's bytes, up to ``limit``."""
        ...

    def add(self, path: str, digest: bool = True) -> Added:
        """Take a listed file in; again: the same."""
        ...


class LocalTree:
    """A folder on this machine; what is added goes into the sink."""

    def __init__(self, root: Path, sink: Sink, profile: str, follow_links: bool = False) -> None:
        self._root, self._sink, self._profile, self._follow = os.path.realpath(root), sink, profile, follow_links
        self.name, self.added = str(root), dict[str, Added]()
        self.listing = Listing()
        self._list()

    def _inside(self, real: str) -> bool:
        return self._follow or real == self._root or real.startswith(f"{self._root.rstrip('/')}/")

    def _list(self) -> None:
        seen, todo = {self._root}, [("", self._root)]
        while todo:
            prefix, folder = todo.pop()
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError as error:
                if not prefix:
                    raise InvalidInput(
                        f"{self.name} can't be listed: {error.strerror}",
                        code="not_listed",
                        hint="give yourself the right to read it (chmod u+rx), or name another folder.",
                    ) from error
                self.listing.closed.append(prefix.rstrip("/"))
                continue
            for entry in entries:
                self._take(prefix + entry.name, entry, seen, todo)
        self.listing.files.sort()

    def _take(self, path: str, entry: os.DirEntry[str], seen: set[str], todo: list[tuple[str, str]]) -> None:
        if not _is_utf8(path):
            self.listing.unnamed.append(ascii(os.fsencode(path))[2:-1])
            return
        real = os.path.realpath(entry.path)
        if entry.is_symlink() and not self._inside(real):
            self.listing.outside.append(path)
            return
        try:
            mode = entry.stat().st_mode
        except OSError:
            self.listing.broken.append(path)
            return
        if stat.S_ISDIR(mode) and real not in seen:  # once: links may lead in circles
            seen.add(real)
            todo.append((f"{path}/", entry.path))
        elif stat.S_ISREG(mode):
            self.listing.files.append(path)
            _bound(len(self.listing.files))

    def _open(self, path: str) -> IO[bytes]:
        """A listed file, looked at once more: what it is may have changed."""
        try:
            stream = open(f"{self._root}/{path}", "rb")  # noqa: PTH123, SIM115  pathlib is slow: folders have many files
        except OSError as error:
            raise not_read(path, error) from error
        real = os.path.realpath(f"/proc/self/fd/{stream.fileno()}") if os.path.isdir("/proc/self/fd") else ""  # noqa: PTH112
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode) or (real and not self._inside(real)):
            stream.close()
            raise InvalidInput(f"{path} leads out of the folder", code="link_outside")
        return stream

    def read(self, path: str, limit: int) -> bytes:
        """A listed file's bytes, up to ``limit``."""
        try:
            with self._open(path) as stream:
                return stream.read(limit)
        except OSError as error:
            raise not_read(path, error) from error

    def add(self, path: str, digest: bool = True) -> Added:
        """Into the sink, once."""
        if path not in self.added:
            try:
                with self._open(path) as stream:
                    self.added[path] = importer.add_file(self._sink, stream, self._profile, digest=digest)
            except OSError as error:
                raise not_read(path, error) from error
        return self.added[path]

    def root(self) -> CID:
        """The directory of all that was added, at its places."""
        return _directory(self._sink, self.added, self._profile).cid


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # the system gave bytes that are none
        return False
    return True


def _bound(count: int) -> None:
    if count > MAX_ENTRIES:
        raise InvalidInput(f"the folder holds more than {MAX_ENTRIES} files", code="too_large")


def _directory(sink: Sink, files: dict[str, Added], profile: str) -> Added:
    """A directory, and those below it, from paths."""
    below: dict[str, dict[str, Added]] = {}
    entries: dict[str, tuple[CID, int]] = {}
    for path, added in files.items():
        head, slash, rest = path.partition("/")
        if slash:
            below.setdefault(head, {})[rest] = added
        else:
            entries[head] = (added.cid, added.tsize)
    for name, inner in below.items():
        made = _directory(sink, inner, profile)
        entries[name] = (made.cid, made.tsize)
    return importer.add_directory(sink, entries, profile)


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
                _bound(len(self._cids) + len(todo) + len(self.listing.links))
        self.listing.files = sorted(self._cids)

    def read(self, path: str, limit: int) -> bytes:
        """A listed file's bytes, up to ``limit``; of one that claims to be larger than any file here, none."""
        reader.check_file_size(self._store, self._cids[path], reader.MAX_WHOLE)
        return b"".join(reader.read_file(self._store, self._cids[path], 0, limit))

    def add(self, path: str, digest: bool = True) -> Added:
        """What is held already, measured once."""
        if path not in self._added:
            self._added[path] = measure(self._store, self._cids[path])
        return self._added[path]


def _kind(store: BlockReader, cid: CID) -> int | None:
    """What an entry is; None where that can't be read (whoever needs it is told then)."""
    if cid.codec == RAW:
        return unixfs.FILE
    try:
        found = reader.read_node(store, cid)
    except (NotFound, InvalidInput):
        return None
    return found[1].kind if found else None


def measure(store: BlockReader, cid: CID) -> Added:
    """A held file's sha256 and size. An ``EmotionetError`` if it is none, or not whole."""
    import hashlib

    digest, size = hashlib.sha256(), 0
    reader.check_file_size(store, cid, reader.MAX_WHOLE)
    for piece in reader.read_file(store, cid):
        digest.update(piece)
        size += len(piece)
    return Added(cid, size, 0, digest.digest())


def look_up(store: BlockReader | None, cid: CID) -> Added:
    """A row's image that is named by its CID. ``InvalidInput`` (``not_held``) where it is not held."""
    try:
        if store is not None and store.has(cid):
            return measure(store, cid)
    except NotFound as error:
        raise EmotionetError(str(error), code=error.code) from error
    raise InvalidInput(f"{cid} is not held here", code="not_held", hint="import it, or a CAR file of it, first.")
