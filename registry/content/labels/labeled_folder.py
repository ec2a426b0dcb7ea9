"""A folder of labeled images, local or held by CID: its labels, and the files that they name.

Invariants: the root of a local folder contains exactly the tables with its labels and the files that they name, under
their paths. A file is looked for beside its table, then in ``images/``, and never outside the folder. Files are
streamed. Files that no row names, skipped files and inexact names are reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from registry.content.labels.file_names import Names
from registry.content.labels.find_labels import NoLabels, read_labels
from registry.content.labels.label_row import LabelRow, Rejection, rejected
from registry.content.labels.tables.columns import Mapped
from registry.content.labels.tables.label_tables import Labels
from registry.content.unixfs import importer, reader
from registry.content.unixfs.held_tree import HeldTree, look_up
from registry.content.unixfs.importer import Added, Sink
from registry.content.unixfs.local_tree import LocalTree, Tree, hidden, some_paths
from registry.core.errors import EmotionetError, InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.core.picture_bytes import HEAD, is_archive, what_it_is
from registry.core.ports.store import BlockReader
from registry.core.progress import Progress, silent
from registry.core.text.cleaning import counted
from registry.imaging.decode import MAX_BYTES
from registry.imaging.inspect_image import Picture, inspect_image
from registry.spool import ByPath, Spool


@dataclass(frozen=True)
class _File:
    """What a file is found to be."""

    added: Added
    picture: Picture


@dataclass(frozen=True)
class FolderRow:
    """A row whose file was found: its bytes' sha256, size and CID, and what it says of itself as a picture.

    ``path``: where it lies in the folder; blank where the row names a CID.
    """

    row: LabelRow
    sha256: bytes
    size: int
    cid: CID
    picture: Picture
    path: str = ""


@dataclass(frozen=True)
class Folder:
    """An imported folder.

    ``labels``: how its labels were read; None where it has none (``problem`` then says why). ``unnamed``: files that no
    row names. ``notes``: sentences about skipped files and inexact names.
    """

    root: CID
    labels: Labels | None = None
    rows: Sequence[FolderRow] = ()
    rejected: tuple[Rejection, ...] = ()
    unnamed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problem: NoLabels | None = None


@dataclass(frozen=True)
class Options:
    """How a folder is read. ``labels``: a table that was given beside it, read already."""

    mapping: Mapped = field(default_factory=dict)
    labels: Labels | None = None
    follow_links: bool = False
    inside: bool = False  # a wrapping folder is gone into


class _Finder:
    """Finds the files of rows in one tree; remembers what was named."""

    def __init__(self, tree: Tree, labels: Labels, held: BlockReader | None) -> None:
        listing = tree.listing
        self._tree, self._labels, self._held = tree, labels, held
        self._names = Names([*listing.files, *listing.outside, *listing.links, *listing.broken])
        self._not_read = {
            **dict.fromkeys(listing.outside, ("link_outside", "is a link that lies outside the folder")),
            **dict.fromkeys(listing.links, ("symbolic_link", "is a symbolic link: links are not followed")),
            **dict.fromkeys(listing.broken, ("broken_link", "is a link that leads to nothing on this machine")),
        }
        self._refused: set[str] = set()
        self._found = ByPath(listing.files, _File)
        self._otherwise: list[str] = []

    def find(self, row: LabelRow) -> FolderRow:
        """A row's image. An ``EmotionetError`` says why there is none."""
        if row.file is None:
            added, picture = self._by_cid(CID.parse(row.cid or ""))
            return FolderRow(row, added.sha256, added.size, added.cid, picture)
        path, found = self._file(row)
        return FolderRow(row, found.added.sha256, found.added.size, found.added.cid, found.picture, path)

    def _file(self, row: LabelRow) -> tuple[str, _File]:
        """Where its file lies, and what it is; it is read once."""
        match = self._names.find(row.file or "", self._labels.base, self._labels.anywhere)
        if match is None:
            raise self._missing(row)
        path = match.path
        if path in self._not_read:
            self._refused.add(path)
            code, why = self._not_read[path]
            raise InvalidInput(f"{path} {why}", code=code)
        if match.note is not None:
            self._otherwise.append(match.note)
        found = self._found.get(path)
        if found is None:
            added, data = self._tree.take(path, MAX_BYTES)
            found = _File(added, inspect_image(data))
            self._found.put(path, found)
        return path, found

    def _missing(self, row: LabelRow) -> InvalidInput:
        """Why a name has no file: its folder is a link, or it is called otherwise."""
        link = self._names.above(row.file or "", self._labels.base, self._not_read)
        if link is not None:
            self._refused.add(link)
            code, why = self._not_read[link]
            return InvalidInput(f"{link} {why}", code=code)
        table = row.table.rpartition("/")[2] or "the table"
        near = self._names.near(row.file or "")
        hint = f"is {near} meant? Write its name as it is." if near else None
        return InvalidInput(f"{row.name} is neither beside {table} nor in images/", code="missing_file", hint=hint)

    def refused(self, bad: Rejection) -> Rejection:
        """A rejected row, whose file still counts as named; for a path outside the folder, with the file that it may
        mean.
        """
        if bad.code == "path_outside":
            near = self._names.near(bad.name)
            return replace(bad, reason=f"{bad.reason}: is {near} meant?") if near else bad
        try:
            match = self._names.find(bad.name, self._labels.base, self._labels.anywhere)
        except InvalidInput:  # it could be two
            return bad
        if match is not None:
            self._refused.add(match.path)
        return bad

    def _by_cid(self, cid: CID) -> tuple[Added, Picture]:
        added = look_up(self._held, cid)
        assert self._held is not None
        return added, inspect_image(b"".join(reader.read_file(self._held, cid, 0, MAX_BYTES)))

    def unnamed(self) -> tuple[str, ...]:
        """Files that no row names, tables and hidden ones left out."""
        known = {*self._refused, *self._labels.tables}
        return tuple(path for path in self._found.without() if path not in known and not hidden(path))

    def notes(self) -> tuple[str, ...]:
        """What was skipped, and which names were matched inexactly."""
        said = self._tree.listing.notes(self._refused)
        if self._otherwise:
            count = counted(len(self._otherwise), "name differs from its file's", "names differ from their files'")
            said.append(f"{count}; the import matched them all the same: {some_paths(self._otherwise)}")
        return tuple(said)


def _found(
    tree: Tree, labels: Labels, held: BlockReader | None, progress: Progress
) -> tuple[Sequence[FolderRow], list[Rejection], _Finder]:
    finder = _Finder(tree, labels, held)
    rows = Spool(FolderRow)
    bad = [finder.refused(one) for one in labels.rejected]
    for done, row in enumerate(labels.rows, 1):
        try:
            rows.append(finder.find(row))
        except EmotionetError as error:
            bad.append(rejected(row.row, row.name, error, row.table))
        progress("import", done, len(labels.rows))
    return rows, sorted(bad, key=lambda one: (one.table, one.row)), finder


def import_folder(
    path: Path,
    sink: Sink,
    profile: str,
    progress: Progress = silent,
    held: BlockReader | None = None,
    options: Options | None = None,
) -> Folder:
    """Import a local folder or file. Without labels all files are stored, unlabeled.

    Rows with a cid are looked up in ``held``.
    """
    if not path.is_dir():
        return _single(path, sink, profile)
    wanted = options or Options()
    tree = LocalTree(path, sink, profile, wanted.follow_links)
    labels = wanted.labels or read_labels(tree, wanted.mapping, wanted.inside)
    if isinstance(labels, NoLabels):
        for done, name in enumerate(tree.listing.files, 1):
            tree.add(name, digest=False)
            progress("import", done, len(tree.listing.files))
        return Folder(tree.root(), notes=tuple(tree.listing.notes(tree.listing.outside)), problem=labels)
    for table in set(labels.tables).intersection(tree.listing.files):
        tree.add(table, digest=False)
    rows, bad, finder = _found(tree, labels, held, progress)
    return Folder(tree.root(), labels, rows, tuple(bad), finder.unnamed(), finder.notes())


def _single(path: Path, sink: Sink, profile: str) -> Folder:
    """A file alone is held, and has no label."""
    with path.open("rb") as stream:
        kind = what_it_is(stream.read(HEAD)) or "of no kind that is known here"
        stream.seek(0)
        root = importer.add_file(sink, stream, profile, digest=False).cid
    return Folder(root, problem=_alone(f"{path} is one file, {kind}", is_archive(kind)))


def _alone(what: str, packed: bool = False) -> NoLabels:
    hint = "unpack it, and import the folder." if packed else "import the folder that holds it and a labels.csv."
    return NoLabels(f"{what}: nothing in it gives labels", hint)


def held_folder(store: BlockReader, root: CID, progress: Progress = silent, options: Options | None = None) -> Folder:
    """Read a directory that the store holds; its root is that CID."""
    if not reader.is_directory(store, root):
        return Folder(root, problem=_alone(f"{root} is no folder"))
    wanted = options or Options(inside=True)
    tree = HeldTree(store, root)
    labels = wanted.labels or read_labels(tree, wanted.mapping, wanted.inside)
    if isinstance(labels, NoLabels):
        return Folder(root, notes=tuple(tree.listing.notes()), problem=labels)
    rows, bad, finder = _found(tree, labels, store, progress)
    return Folder(root, labels, rows, tuple(bad), finder.unnamed(), finder.notes())


def missing_folder(root: CID, error: NotFound) -> Folder:
    """What is left of a folder whose root, or whose table, is missing."""
    return Folder(root, problem=NoLabels(f"its labels can't be read: {error}", "import the rest when you have it."))
