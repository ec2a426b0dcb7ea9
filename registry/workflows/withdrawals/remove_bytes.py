"""Lets the bytes of images go that were taken back with the remedy ``remove_bytes``.

What has to go follows from the catalog alone, so a removal that was cut off is finished by the next one, whoever
begins it (``apply_withdrawal``, an import, a worker that starts, `store gc`), and bytes that come back go again.
Invariants: ``queries.signed_records.withdrawn_rows`` says what is withdrawn here; an image's rows, place in tables
and withdrawal stay; bytes go that no other image needs: a piece that two images share stays with the other.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import NamedTuple

from registry.catalog.database.database import Connection
from registry.catalog.index.indexing import index_entry
from registry.catalog.marks import settle
from registry.catalog.queries.labeled_images import images, referenced
from registry.catalog.queries.roots import named_roots, withdrawn_targets
from registry.catalog.queries.signed_records import withdrawals
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.errors import EmotionetError, Unavailable
from registry.core.ipld.cid import CID, RAW
from registry.core.log import read_entry
from registry.core.ports.store import missing_from
from registry.core.text.cleaning import counted
from registry.workflows.images.kept_thumbnails import KeptThumbnails
from registry.workflows.parts import Parts
from registry.workflows.runs.control_run import ENDED, cancel
from registry.workflows.training.run_context import drop_pixels
from registry.workflows.withdrawals.files_of_home import remove_files

REMEDY = "remove_bytes"
_log = logging.getLogger(__name__)


class Removed(NamedTuple):
    """How many images had bytes here, how many blocks went, and which files of the home's own folders."""

    images: int
    blocks: int
    files: Sequence[str] = ()


def apply_withdrawal(parts: Parts, entry: CID) -> Removed:
    """Do here what an entry's withdrawal asks for, whoever signed it; it is indexed where only its place was.

    Nothing waits any more for an image that is withdrawn here by it, and the bytes go where it says so and the signer
    may. Again: no-op. ``InvalidInput`` for another record.
    """
    said = read_entry(entry, parts.store.get)
    record = records.parse_as(records.Withdrawal, parts.store.get(said.record))
    with parts.catalog.write() as db:
        index_entry(db, entry, parts.store.get)
    if record.whole and record.target is not None:
        name = record.target.hex() if len(record.target) == 32 else str(CID.decode(record.target))
        meant = CID.v1(RAW, record.target) if len(record.target) == 32 else CID.decode(record.target)
        with parts.catalog.write() as db:
            if withdrawn_targets(db, [meant]):
                referenced.drop(db, {name, *map(str, images.cids_of(db, name))})
    return remove_withdrawn(parts, look=True) if record.remedy == REMEDY else Removed(0, 0)


def held_though_withdrawn(parts: Parts, db: Connection) -> list[CID]:
    """Under which CIDs bytes still lie here that have to go."""
    gone = {one.hex() for one in withdrawals.withdrawn_images(db, REMEDY)}
    names = withdrawals.names_of_images(db, gone)
    missing = set(missing_from(parts.store, names))
    return [cid for cid in names if cid not in missing]


def some_still_here(held: Collection[CID]) -> str:
    """What is wrong with bytes that are still held, and the way out."""
    return f"{counted(len(held), 'block is', 'blocks are')} still here of images whose bytes must go: run `store gc`"


def remove_withdrawn(parts: Parts, *, look: bool = False) -> Removed:
    """Delete whatever has to go and is still here: blocks, small pictures, pixels of runs, and files of the home's own
    folders, in which it looks where blocks are still here, or when told to."""
    with parts.catalog.read() as db:
        gone = {one.hex() for one in withdrawals.withdrawn_images(db, REMEDY)}
        if not gone:
            return Removed(0, 0)
        held = held_though_withdrawn(parts, db)
        named = withdrawals.images_of(db, [str(cid) for cid in held])
    _let_runs_go(parts, gone)
    files = remove_files(parts, gone) if held or look else []
    count = parts.store.remove(held, lambda: _roots(parts))
    KeptThumbnails(parts.settings.home).forget(gone)
    if held:
        with parts.catalog.write() as db:
            images.mark_removed(db, gone)
        settle(parts.catalog)
    return Removed(len({named.get(str(cid), cid.digest.hex()) for cid in held}), count, files)


def finish_removals(parts: Parts) -> None:
    """The same where it is not what was asked for: what fails is told, and tried again another time."""
    try:
        remove_withdrawn(parts)
    except EmotionetError as error:
        level = logging.WARNING if isinstance(error, Unavailable) else logging.ERROR
        _log.log(level, "bytes of withdrawn images are still here: %s", error)


def _roots(parts: Parts) -> list[CID]:
    with parts.catalog.read() as db:
        return named_roots(db)


def _let_runs_go(parts: Parts, gone: Collection[str]) -> None:
    """Stop runs that are training on these images, and delete the pixels of those that have ended."""
    with parts.catalog.read() as db:
        touched = runs.on_images(db, gone)
    for run, status in touched:
        if status not in ENDED:
            cancel(parts, run)
        drop_pixels(parts, run)
