"""Import a folder, a table, a CAR or a CID into another registry, over HTTP.

Invariants: the source is read as by a local import, with the same rows, rejections and notes; rows of one image are
merged before they are sent. Images and rows are sent, nothing else: no file's name, no table, no folder's root. Nothing
is stored in this home but the journal, from which a killed import goes on, and which is deleted at its end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from registry.client.blocks import Block
from registry.client.connection import Connection
from registry.client.journal import Journal
from registry.client.sending import Sender, Sent, file_blocks
from registry.client.uploading import Item
from registry.content.labels.label_row import Rejection
from registry.content.labels.labeled_folder import FolderRow
from registry.content.labels.tables.cid_table import cid_table
from registry.content.unixfs.local_tree import LocalTree
from registry.core.errors import UsageError
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_closure
from registry.core.progress import Progress, silent
from registry.workflows.images.importing.by_reference import by_reference
from registry.workflows.images.importing.import_document import different, import_document
from registry.workflows.images.importing.read_source import Source, Wanted, is_car, read_source
from registry.workflows.images.importing.source_rows import source_rows
from registry.workflows.images.registering.labeled_rows import NewRow, merge
from registry.workflows.images.registering.register_images import Registered
from registry.workflows.images.registering.speaker import ANYBODY
from registry.workflows.parts import Parts
from registry.workflows.store.typed_source import names_content


def journal_path(home: Path, server: str, wanted: Wanted) -> Path:
    """Where the journal of this import to this server lies."""
    return home / "sent" / f"{_about(server, wanted)}.jsonl"


def _about(server: str, wanted: Wanted) -> str:
    source = wanted.source if names_content(wanted.source) else str(Path(wanted.source).resolve())
    said = "\0".join(
        (server, source, wanted.profile, str(wanted.labels), repr(wanted.mapping), str(wanted.follow_links))
    )
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def send_source(
    scratch: Parts,
    connection: Connection,
    wanted: Wanted,
    journal: Path,
    *,
    cids: IO[bytes] | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Send what ``wanted`` names; the document of `emotionet import --json` with ``server`` and ``sent``.

    ``scratch`` are the parts of a home that is thrown away afterwards: a CAR or a CID is read into it. ``cids``: where
    to write the table of each file's CID.
    """
    is_folder = not names_content(wanted.source) and Path(wanted.source).exists()
    read_in_place = is_folder and not (Path(wanted.source).is_file() and is_car(Path(wanted.source)))
    read = read_source(scratch, replace(wanted, dry_run=read_in_place), progress)  # files are read where they lie
    if read.releases:
        raise UsageError(
            f"{wanted.source} holds a release, which is not sent by its rows",
            code="releases_not_sent",
            hint="import it on the server itself, or let that follow its issuer.",
        )
    found = source_rows(read, "", ANYBODY)
    rows = [row for part in found.rows for row in part]
    rows += by_reference(read.folders, found.rejected)
    if cids is not None:
        cids.write(cid_table(rows, ""))
    statements, contradicting = merge(rows)
    found.rejected += contradicting
    record = Journal(journal, _about(connection.server, wanted))
    try:
        sender = Sender(connection, record, progress, len(statements))
        sent = sender.send(_items(scratch, wanted, read, statements))
    except BaseException:
        record.close()
        raise
    record.close(remove=True)
    merged = len(rows) - len(contradicting) - len(statements)
    return _document(connection, read, found, statements, sent, merged)


def _items(scratch: Parts, wanted: Wanted, read: Source, statements: list[NewRow]) -> Iterator[Item]:
    paths = {one.cid: one for folder in read.folders for one in folder.rows}
    tree = _tree(wanted, read)
    for row in statements:
        found = paths.get(row.cid)
        if found is None:
            yield Item(row)
        elif tree is not None and found.path:
            yield Item(row, _reader(tree, wanted.profile, found), found.size)
        else:
            yield Item(row, _held(scratch, found), found.size)


def _tree(wanted: Wanted, read: Source) -> LocalTree | None:
    if read.kind != "folder":
        return None
    path = Path(wanted.source)
    return LocalTree(path if path.is_dir() else path.parent, _Nothing(), wanted.profile, wanted.follow_links)


class _Nothing:
    def put_own(self, cid: CID, data: bytes) -> None:
        """Only files are opened."""


def _reader(tree: LocalTree, profile: str, found: FolderRow) -> Any:
    return lambda: file_blocks(lambda: tree.opened(found.path), profile, found.cid)


def _held(scratch: Parts, found: FolderRow) -> Any:
    def blocks() -> Iterator[Block]:
        return walk_closure(scratch.store.get, [found.cid])

    return blocks


def _document(
    connection: Connection, read: Source, found: Any, statements: list[NewRow], sent: Sent, merged: int
) -> dict[str, Any]:
    answers = [(statements[place], one) for place, one in sorted(sent.answers.items())]
    found.rejected += [
        Rejection(row.row, row.name or str(row.cid), one.code or "rejected", one.reason or "", row.table)
        for row, one in answers
        if one.status == "rejected"
    ]
    found.notes += [f"row {row.row} ({row.name or row.cid}): {one.note}" for row, one in answers if one.note]
    done = Registered(registered=sent.registered, unchanged=sent.unchanged, corrected=sent.corrected, merged=merged)
    images = different(found, statements if sent.registered else ())
    document = import_document(read, found, [done], images, None, [])
    return {
        **document,
        "server": connection.server,
        "referenced": sent.referenced,
        "sent": {"images": sent.images, "bytes": sent.bytes},
    }
