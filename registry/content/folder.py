"""A folder of labeled images, local or held by CID: labels.csv and the files that it names.

Invariants: the root of a local folder is that of ``labels.csv`` and the files that it names, at their
places, and nothing else; a file is looked for beside labels.csv, then in ``images/``, and never outside
the folder, not through a symbolic link either. Files are streamed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from registry.content import importer, reader
from registry.content.importer import Added, Sink
from registry.content.labels import LabelRow, Rejection, parse_labels
from registry.core.cid import CID
from registry.core.errors import EmotionetError, InvalidInput, NotFound, Unavailable
from registry.core.store import BlockReader

LABELS = "labels.csv"
MAX_LABELS = 256 << 20  # bytes
PLACES = ("", "images/")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class FolderRow:
    """A row whose file was found: its bytes' sha256, size and CID."""

    row: LabelRow
    sha256: bytes
    size: int
    cid: CID


@dataclass(frozen=True)
class Folder:
    """What was imported. ``files`` maps paths in the folder to what they became."""

    root: CID
    labels_present: bool
    rows: tuple[FolderRow, ...]
    rejected: tuple[Rejection, ...]


@dataclass(frozen=True)
class _File:
    added: Added
    path: str


def _open(root: str, name: str) -> IO[bytes] | None:
    """A regular file inside ``root`` (a real path), None if there is none.

    ``InvalidInput`` (``path_outside``) if it leads out.
    """
    try:
        real = os.path.realpath(f"{root}/{name}")
        if not real.startswith(f"{root.rstrip('/')}/") and os.path.lexists(f"{root}/{name}"):
            raise InvalidInput(f"{name!r} leads out of the folder", code="path_outside")
        if not stat.S_ISREG(os.stat(real).st_mode):  # noqa: PTH116  pathlib is slow, and a folder has many files
            return None
        return open(real, "rb")  # noqa: PTH123
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise Unavailable(f"{name} can't be read: {error}") from error


def _names(root: Path) -> list[str]:
    """All regular files below a folder, as paths in it, sorted."""
    found = []
    for folder, _, names in os.walk(root):
        inside = os.path.relpath(folder, root)
        prefix = "" if inside == "." else f"{inside}/"
        found += [prefix + name for name in names if stat.S_ISREG(os.lstat(f"{folder}/{name}").st_mode)]
    return sorted(found)


class _LocalFiles:
    """Adds each file of a local folder once."""

    def __init__(self, root: Path, sink: Sink, profile: str) -> None:
        self._root, self._sink, self._profile = os.path.realpath(root), sink, profile
        self.added: dict[str, Added] = {}

    def add(self, name: str, digest: bool = True) -> Added | None:
        """The file of that name, beside labels.csv or in images/; None if there is none."""
        for place in PLACES:
            path = place + name
            if path in self.added:
                return self.added[path]
            stream = _open(self._root, path)
            if stream is not None:
                with stream:
                    self.added[path] = importer.add_file(self._sink, stream, self._profile, digest=digest)
                return self.added[path]
        return None

    def root(self) -> CID:
        """The directory of all that was added."""
        return _directory(self._sink, self.added, self._profile).cid


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
        if name in entries:
            raise InvalidInput(f"{name!r} is a file and a folder", code="bad_name")
        made = _directory(sink, inner, profile)
        entries[name] = (made.cid, made.tsize)
    return importer.add_directory(sink, entries, profile)


def _rows(
    data: bytes, find: Callable[[LabelRow], FolderRow | None], progress: Progress
) -> tuple[list[FolderRow], list[Rejection]]:
    listed, rejected = parse_labels(data)
    found: list[FolderRow] = []
    for done, row in enumerate(listed, 1):
        try:
            one = find(row)
        except EmotionetError as error:
            rejected.append(Rejection(row.row, row.name, error.code, str(error)))
        else:
            if one is not None:
                found.append(one)
            else:
                reason = f"{row.name} is neither beside labels.csv nor in images/"
                rejected.append(Rejection(row.row, row.name, "missing_file", reason))
        progress("import", done, len(listed))
    return found, sorted(rejected, key=lambda one: one.row)


def import_folder(
    path: Path, sink: Sink, profile: str, progress: Progress = lambda *_: None, held: BlockReader | None = None
) -> Folder:
    """Import a local folder or file. Without labels.csv all files are held and nothing has a label.

    Rows that name a cid are looked up in ``held``; in a dry run there is none.
    """
    if not path.is_dir():
        with path.open("rb") as stream:
            return Folder(importer.add_file(sink, stream, profile, digest=False).cid, False, (), ())
    files = _LocalFiles(path, sink, profile)
    if not (path / LABELS).is_file():
        names = _names(path)
        for done, name in enumerate(names, 1):
            files.add(name, digest=False)
            progress("import", done, len(names))
        return Folder(files.root(), False, (), ())

    def find(row: LabelRow) -> FolderRow | None:
        if row.file is None:
            return _by_cid(held, row)
        added = files.add(row.file)
        return FolderRow(row, added.sha256, added.size, added.cid) if added else None

    files.add(LABELS)
    found, rejected = _rows((path / LABELS).read_bytes(), find, progress)
    return Folder(files.root(), True, tuple(found), tuple(rejected))


def _by_cid(held: BlockReader | None, row: LabelRow) -> FolderRow | None:
    """The row's image where its CID is held already."""
    cid = CID.parse(row.cid or "")
    if held is None or not held.has(cid):
        raise InvalidInput(f"{cid} is not held here: import it, or a CAR file of it, first", code="not_held")
    sha256, size = _measure(held, cid)
    return FolderRow(row, sha256, size, cid)


def _measure(store: BlockReader, cid: CID) -> tuple[bytes, int]:
    digest, size = hashlib.sha256(), 0
    reader.check_file_size(store, cid, reader.MAX_WHOLE)
    for piece in reader.read_file(store, cid):
        digest.update(piece)
        size += len(piece)
    return digest.digest(), size


def _finder(store: BlockReader, root: CID) -> Callable[[LabelRow], FolderRow | None]:
    """Finds a row's file in a held directory, or anywhere in the store by its cid."""

    def locate(row: LabelRow) -> CID | None:
        if row.cid is not None:
            return CID.parse(row.cid)
        for place in PLACES:
            try:
                return reader.resolve(store, root, place + (row.file or ""))
            except NotFound as error:
                if error.code == "damaged":
                    raise
            except InvalidInput:
                continue
        return None

    def find(row: LabelRow) -> FolderRow | None:
        cid = locate(row)
        if cid is None:
            return None
        sha256, size = _measure(store, cid)
        return FolderRow(row, sha256, size, cid)

    return find


def held_folder(store: BlockReader, root: CID, progress: Progress = lambda *_: None) -> Folder:
    """Read a directory that the store holds; its root is that CID. Without labels.csv nothing has a label."""
    if not reader.is_directory(store, root):
        return Folder(root, False, (), ())
    try:
        labels = reader.resolve(store, root, LABELS)
    except NotFound:
        return Folder(root, False, (), ())
    data = reader.read_whole(store, labels, MAX_LABELS)
    found, rejected = _rows(data, _finder(store, root), progress)
    return Folder(root, True, tuple(found), tuple(rejected))


def with_labels(store: BlockReader, folder: Folder, labels: bytes, progress: Progress = lambda *_: None) -> Folder:
    """The same folder under another labels.csv."""
    found, rejected = _rows(labels, _finder(store, folder.root), progress)
    return replace(folder, labels_present=True, rows=tuple(found), rejected=tuple(rejected))
