"""A snapshot to take away: its rows as one file, its images packed for other tools, as the command line exports them.

Invariants: what is packed is bounded, and so is how many are packed at a time; a file that is sent lies in the scratch
folder and is deleted once it is sent, or could not be; the same snapshot gives the same bytes.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from litestar import get
from litestar.params import FromPath
from litestar.response import Stream

from registry.api.common import Home, Published
from registry.api.pages.snapshots.bounds import FORMS, MOST_BYTES, ROWS, forms_for
from registry.api.pages.snapshots.reading import snapshot_of
from registry.api.serving.computing import computation_slot
from registry.api.v1.wire import CidPath
from registry.core import records
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.core.snapshots import checked_tables as snapshot_tables
from registry.exports.formats import FOLDERS
from registry.exports.rows import write
from registry.workflows.parts import Parts
from registry.workflows.snapshots.export_snapshot import export_snapshot, snapshot_rows
from registry.workflows.store.read_content import read_as

PIECE = 256 << 10
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # what a ZIP says where no time is meant


@get("/snapshots/{cid:str}/export/{form:str}", include_in_schema=False, sync_to_thread=True)
def download(home: Home, published: Published, cid: CidPath, form: FromPath[str]) -> Stream:
    """The snapshot as one file."""
    if form not in FORMS:
        raise NotFound(f"there is no form {form[:40]!r}", hint=f"use one of {', '.join(FORMS)}.")
    snapshot = snapshot_of(home, published, cid)
    record = read_as(home, records.Snapshot, snapshot)
    _check_size(home, snapshot, record, form)
    home.settings.work.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(dir=home.settings.work, prefix="download-"))
    try:
        with computation_slot():
            file = _made(home, snapshot, form, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    headers = {
        "Content-Disposition": f'attachment; filename="{file.name}"',
        "Content-Length": str(file.stat().st_size),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "no-store",
    }
    return Stream(_sent(file, folder), media_type=ROWS.get(form, "application/zip"), headers=headers)


def _check_size(parts: Parts, snapshot: CID, record: records.Snapshot, form: str) -> None:
    """``InvalidInput`` (``too_large``) for what costs more than one request may, with the command that has no bound."""
    within = form in forms_for(record.count)
    if within and form in FOLDERS:
        within = sum(row["size"] for row in snapshot_tables.items(record, parts.store.get)) <= MOST_BYTES
    if not within:
        raise InvalidInput(
            f"this snapshot of {record.count} images is too large to be packed here",
            code="too_large",
            hint=f"run `emotionet snapshot export {snapshot} --format {form} -o PLACE`, or fetch its CAR.",
        )


def _made(parts: Parts, snapshot: CID, form: str, folder: Path) -> Path:
    name = f"snapshot-{str(snapshot)[-8:]}"
    if form in ROWS:
        file = folder / f"{name}.{form}"
        with file.open("wb") as stream:
            write(snapshot_rows(parts, snapshot), form, stream)
        return file
    export_snapshot(parts, snapshot, form, folder / name)
    file = folder / f"{name}-{form}.zip"
    with zipfile.ZipFile(file, "w") as packed:
        for one in sorted(path for path in (folder / name).rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{name}/{one.relative_to(folder / name).as_posix()}", _LONG_AGO)
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, one.read_bytes())
    return file


def _sent(file: Path, folder: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as stream:
            while piece := stream.read(PIECE):
                yield piece
    finally:
        shutil.rmtree(folder, ignore_errors=True)


HANDLERS = (download,)
