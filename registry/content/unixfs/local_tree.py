"""The files below a folder of this machine: listed, read, imported (``held_tree`` does the same for a DAG).

Invariants: only regular files are listed. A symbolic link is followed inside its folder; outside it only with
``follow_links``. Entries that can't be listed or named are counted and reported. Walks are bounded in entries.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from registry.content.unixfs import importer
from registry.content.unixfs.importer import Added, Sink
from registry.content.unixfs.local_root import directory
from registry.core.errors import InvalidInput, not_read
from registry.core.ipld.cid import CID
from registry.core.text.cleaning import counted
from registry.spool import ByPath

MAX_ENTRIES = 20_000_000
_SYSTEMS = frozenset(("thumbs.db", "desktop.ini", "icon\r"))


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

    def notes(self, told: Collection[str] = ()) -> list[str]:
        """A sentence for each kind of thing that was passed over; ``told`` were named otherwise already."""
        outside = [path for path in self.outside if path not in told]
        broken = [path for path in self.broken if path not in told]
        kinds = (
            (outside, "link leads", "links lead", "out of the folder (--follow-links follows them)"),
            (self.links, "symbolic link is", "symbolic links are", "not followed"),
            (self.unnamed, "name is", "names are", "not UTF-8 and skipped: rename it"),
            (self.closed, "folder", "folders", "can't be listed and skipped"),
            (broken, "link leads", "links lead", "to nothing"),
        )
        return [
            f"{counted(len(paths), one, more)} {what}: {some_paths(paths)}" for paths, one, more, what in kinds if paths
        ]


def some_paths(paths: list[str], most: int = 5) -> str:
    """A few paths for a sentence."""
    return ", ".join(paths[:most]) + (f" and {len(paths) - most} more" if len(paths) > most else "")


def hidden(path: str) -> bool:
    """Whether a file is a system's or a program's own: below a dot, macOS's resource forks, Windows' thumbnails."""
    parts = path.split("/")
    return parts[-1].casefold() in _SYSTEMS or any(part.startswith((".", "~$")) or part == "__MACOSX" for part in parts)


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

    def take(self, path: str, limit: int) -> tuple[Added, bytes]:
        """Take it in, and its bytes up to ``limit``."""
        ...


class Below:
    """The one folder below a tree that holds all of its files, as a tree."""

    def __init__(self, tree: Tree, folder: str) -> None:
        self._tree, self.folder, self.name = tree, folder, f"{tree.name}/{folder}"
        start = f"{folder}/"
        self.listing = Listing([path.removeprefix(start) for path in tree.listing.files if path.startswith(start)])

    @classmethod
    def of(cls, tree: Tree) -> Below | None:
        """None where several folders hold files."""
        folders = {path.partition("/")[0] for path in tree.listing.files if "/" in path and not hidden(path)}
        return cls(tree, folders.pop()) if len(folders) == 1 else None

    def read(self, path: str, limit: int) -> bytes:
        """A listed file's bytes, up to ``limit``."""
        return self._tree.read(f"{self.folder}/{path}", limit)

    def add(self, path: str, digest: bool = True) -> Added:
        """Take a listed file in."""
        return self._tree.add(f"{self.folder}/{path}", digest)

    def take(self, path: str, limit: int) -> tuple[Added, bytes]:
        """Take it in, and its bytes up to ``limit``."""
        return self._tree.take(f"{self.folder}/{path}", limit)


class LocalTree:
    """A folder on this machine; what is added goes into the sink."""

    def __init__(self, root: Path, sink: Sink, profile: str, follow_links: bool = False) -> None:
        self._root, self._sink, self._profile, self._follow = os.path.realpath(root), sink, profile, follow_links
        self.name = str(root)
        self.listing = Listing()
        self._list()
        self._added = ByPath(self.listing.files, Added)

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
        real = os.path.realpath(entry.path) if entry.is_symlink() or entry.is_dir() else ""  # most are plain files
        outside = entry.is_symlink() and not self._inside(real)
        try:
            mode = entry.stat().st_mode
        except OSError as error:
            there = outside and not isinstance(error, FileNotFoundError)  # only closed to us, perhaps
            (self.listing.outside if there else self.listing.broken).append(path)
            return
        if outside:
            self.listing.outside.append(path)
            return
        if stat.S_ISDIR(mode) and real not in seen:  # once: links may lead in circles
            seen.add(real)
            todo.append((f"{path}/", entry.path))
        elif stat.S_ISREG(mode):
            self.listing.files.append(path)
            bound(len(self.listing.files))

    def opened(self, path: str) -> IO[bytes]:
        """A listed file, looked at once more: what it is may have changed."""
        try:
            stream = open(f"{self._root}/{path}", "rb")  # noqa: PTH123, SIM115  pathlib is slow: folders have many files
        except OSError as error:
            raise not_read(path, error) from error
        real = _opened_path(stream.fileno())
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode) or (real and not self._inside(real)):
            stream.close()
            raise InvalidInput(f"{path} lies outside the folder", code="link_outside")
        return stream

    def read(self, path: str, limit: int) -> bytes:
        """A listed file's bytes, up to ``limit``."""
        try:
            with self.opened(path) as stream:
                return _read(stream, limit)
        except OSError as error:
            raise not_read(path, error) from error

    def add(self, path: str, digest: bool = True) -> Added:
        """Into the sink, once."""
        found = self._added.get(path)
        if found is None:
            try:
                with self.opened(path) as stream:
                    found = self._put(path, stream, digest)
            except OSError as error:
                raise not_read(path, error) from error
        return found

    def take(self, path: str, limit: int) -> tuple[Added, bytes]:
        """Into the sink, once, and its bytes up to ``limit``, both by one reading where these are all."""
        found = self._added.get(path)
        if found is not None:
            return found, self.read(path, limit)
        try:
            with self.opened(path) as stream:
                data = _read(stream, limit)
                if len(data) < limit:
                    return self._put(path, io.BytesIO(data)), data
                stream.seek(0)
                return self._put(path, stream), data
        except OSError as error:
            raise not_read(path, error) from error

    def _put(self, path: str, stream: IO[bytes], digest: bool = True) -> Added:
        added = importer.add_file(self._sink, stream, self._profile, digest=digest)
        self._added.put(path, added)
        return added

    def root(self) -> CID:
        """The directory of all that was added, at its places."""
        return directory(self._sink, self._profile, self.listing.files, self._added).cid


def _read(stream: IO[bytes], limit: int) -> bytes:
    """Up to ``limit`` bytes; room is made for what is there, not for the limit."""
    data = stream.read(min(limit, os.fstat(stream.fileno()).st_size + 1))
    return data + stream.read(limit - len(data)) if 0 < len(data) < limit else data


def _opened_path(descriptor: int) -> str:
    """Where an open file lies, as the system knows it; "" where the system does not tell."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115  pathlib is slow
    except FileNotFoundError:
        return ""


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # the system gave bytes that are none
        return False
    return True


def bound(count: int) -> None:
    """``InvalidInput`` (``too_large``) above what a walk may list."""
    if count > MAX_ENTRIES:
        raise InvalidInput(f"the folder holds more than {MAX_ENTRIES} files", code="too_large")
