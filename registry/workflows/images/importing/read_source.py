"""What `import` is given, recognised by its content: a folder, a table beside images, a CAR, a CID with or without a
path.

Invariants: a CAR is recognised by its bytes, never by its name. A table is checked before any image is read. A dry run
reads through the same code and stores nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from registry.content.car_import import Partial, import_car, import_partial
from registry.content.labels import labeled_folder as folders
from registry.content.labels.coco import is_coco
from registry.content.labels.find_labels import ENDINGS
from registry.content.labels.labeled_folder import Folder, Options
from registry.content.labels.tables.columns import Mapped
from registry.content.labels.tables.label_tables import MAX_FILE, Labels, read_table
from registry.content.sources.fetch import Through, fetch
from registry.content.stores.embedded import EmbeddedStore
from registry.content.stores.memory import NullSink
from registry.content.unixfs.importer import Sink
from registry.core import records
from registry.core.errors import InvalidInput, NotFound, UsageError, not_read
from registry.core.ipld import car
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.picture_bytes import HEAD
from registry.core.ports.store import BlockReader, BlockStore
from registry.core.progress import Progress
from registry.workflows.images.importing.flushing import Flushing
from registry.workflows.parts import Parts
from registry.workflows.store.fetch_content import ensure_held, resolve
from registry.workflows.store.typed_source import check_regular, names_content, parse_path


@dataclass(frozen=True)
class Wanted:
    """What was asked for. ``labels``: a table beside the source's own; ``mapping``: field to column."""

    source: str
    profile: str
    labels: Path | None = None
    mapping: Mapped | None = None
    partial: bool = False
    follow_links: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Source:
    """What was read: a folder for each root, how its CIDs were made ("unknown" where somebody else made them), its
    kind, what a partial CAR lacks (None: it is whole), and the signed releases among its roots with their issuers."""

    folders: tuple[Folder, ...]
    made_by: str
    kind: str
    partial: Partial | None = None
    releases: tuple[tuple[CID, str], ...] = ()

    @property
    def roots(self) -> tuple[CID, ...]:
        """The first is the source's."""
        return tuple(folder.root for folder in self.folders)


def read_source(parts: Parts, wanted: Wanted, progress: Progress) -> Source:
    """Read it. ``UsageError`` where it is nothing that can be imported."""
    path = None if names_content(wanted.source) else Path(wanted.source)
    if path is not None:
        check_regular(path)
    table = _given_table(wanted)
    if path is not None and path.is_file() and is_car(path):
        with _store(parts, wanted.dry_run) as store:
            return _read_car(store, path, wanted, table, progress)
    if wanted.partial:
        raise UsageError("--partial is for a CAR file", hint="leave it out.")
    if path is not None and path.exists():
        return _read_path(parts, path, wanted, table, progress)
    return _read_cid(parts, wanted, table, progress)


def is_car(path: Path) -> bool:
    """By its bytes. ``InvalidInput`` (``malformed_car``) for something else that is called one."""
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except OSError as error:
        raise not_read(path, error) from error
    if car.is_car(head):
        return True
    if path.suffix.lower() == ".car":
        raise InvalidInput(
            f"{path} is not a CAR file but {car.other_kind(head)}",
            code="malformed_car",
            hint="download the file again, or import it as what it is.",
        )
    return False


def _given_table(wanted: Wanted) -> Labels | None:
    """The table of --labels, or the one that is the source itself."""
    if wanted.labels is None:
        return None
    return _read_table(wanted.labels, wanted.mapping)


def _read_table(path: Path, mapping: Mapped | None) -> Labels:
    check_regular(path)
    try:
        with path.open("rb") as stream:
            return read_table(stream.read(MAX_FILE + 1), str(path), mapping)
    except OSError as error:
        raise not_read(path, error) from error


def _read_path(parts: Parts, path: Path, wanted: Wanted, table: Labels | None, progress: Progress) -> Source:
    """A folder, a table with the images beside it, or a file alone."""
    if path.is_file() and table is None and _is_table(path):
        table, path = _read_table(path, wanted.mapping), path.parent
    if table is not None and path.is_dir():
        table = _in_folder(table, path)
    options = Options(wanted.mapping or {}, table, wanted.follow_links)
    sink: Sink = NullSink() if wanted.dry_run else Flushing(parts.store)
    found = folders.import_folder(path, sink, wanted.profile, progress, _held(parts, wanted.dry_run), options)
    if not wanted.dry_run:
        parts.store.flush()
    return Source((found,), wanted.profile, "folder")


def _is_table(path: Path) -> bool:
    if path.suffix.lower() == ".json":
        with path.open("rb") as stream:
            return is_coco(stream.read(MAX_FILE))
    return path.suffix.lower() in ENDINGS


def _in_folder(table: Labels, folder: Path) -> Labels:
    """A table that lies in the folder is part of what is imported, under its path there."""
    paths = [Path(one).resolve() for one in table.tables]
    inside = [path for path in paths if path.is_relative_to(folder.resolve())]
    return replace(table, tables=tuple(path.relative_to(folder.resolve()).as_posix() for path in inside))


def _held(parts: Parts, dry: bool) -> BlockReader | None:
    """What this home holds; a dry run makes no home."""
    if dry and parts.settings.holds_nothing_yet:
        return None
    return parts.store


@contextmanager
def _store(parts: Parts, dry: bool) -> Iterator[BlockStore]:
    """Where a CAR's blocks go: into the home, or in a dry run into a folder that is gone afterwards."""
    if not dry:
        yield parts.store
        return
    with tempfile.TemporaryDirectory(prefix="emotionet-dry-") as folder:
        scratch = EmbeddedStore(Path(folder))
        try:
            yield scratch
        finally:
            scratch.close()


def _read_car(store: BlockStore, path: Path, wanted: Wanted, table: Labels | None, progress: Progress) -> Source:
    kept = None
    with path.open("rb") as stream:
        if wanted.partial:
            kept = import_partial(store, stream)
            roots = kept.roots
        else:
            roots = tuple(import_car(store, stream))
    if not roots:
        raise InvalidInput(f"{path} names no root", code="car_without_root", hint="export it again with one.")
    whole = kept is None or not (kept.missing or kept.damaged or kept.cut)
    options = Options(wanted.mapping or {}, table, inside=True)
    found = []
    for root in dict.fromkeys(roots):
        try:
            found.append(folders.held_folder(store, root, progress, options))
        except NotFound as error:
            if whole:
                raise
            found.append(folders.missing_folder(root, error))  # it, or its table, is what is missing
    return Source(tuple(found), "unknown", "car", None if whole else kept, _releases(store, roots))


def _read_cid(parts: Parts, wanted: Wanted, table: Labels | None, progress: Progress) -> Source:
    try:
        root, rest = parse_path(wanted.source)
    except InvalidInput as error:
        raise UsageError(
            f"{wanted.source} is not a folder, a file or a CID", hint="check the path, or copy the whole CID."
        ) from error
    options = Options(wanted.mapping or {}, table, inside=True)
    if not wanted.dry_run:
        root = resolve(parts, root, rest) if rest else root
        gone: list[CID] = []
        ensure_held(parts, root, progress, withdrawn=gone)
        source = _source_of(parts.store, root, progress, options)
        return replace(source, partial=Partial((root,), 0, (), tuple(gone), None)) if gone else source
    with _store(parts, dry=True) as scratch:
        near, found = _fetched(parts, scratch, root, rest, progress)
        return _source_of(near, found, progress, options)


def _source_of(store: BlockReader, root: CID, progress: Progress, options: Options) -> Source:
    folder = folders.held_folder(store, root, progress, options)
    return Source((folder,), "unknown", "cid", releases=_releases(store, (root,)))


def _releases(store: BlockReader, roots: Iterable[CID]) -> tuple[tuple[CID, str], ...]:
    """Releases that an entry among the roots says; what is no record is none."""
    found = []
    for root in roots:
        try:
            entry = records.parse(store.get(root)) if root.codec == DAG_CBOR else None
            said = records.parse(store.get(entry.record)) if isinstance(entry, records.Entry) else None
            if isinstance(entry, records.Entry) and isinstance(said, records.Release):
                found.append((entry.record, entry.issuer))
        except (InvalidInput, NotFound):
            continue
    return tuple(found)


def _fetched(parts: Parts, scratch: BlockStore, root: CID, path: str, progress: Progress) -> tuple[BlockReader, CID]:
    """Where to read what a CID and a path name, and its own CID; what is not held is fetched into ``scratch``."""
    from registry.content.unixfs import reader

    held = _held(parts, dry=True)
    near: BlockReader = scratch if held is None else Through(held, scratch)
    if parts.source is None:
        return near, reader.resolve(near, root, path)
    far = Through(parts.source, scratch)
    root = reader.resolve(far, root, path)
    fetch(parts.source, scratch, root, progress=progress)
    return far, root
