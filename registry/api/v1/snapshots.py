"""Addresses of snapshots: take one, list, read, page through its items, compare, prove."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.params import JSONBody

from registry.api.answers.parts import Bytes, PageOf
from registry.api.answers.snapshots import Difference, Proof, Snapshot, SnapshotItem, SnapshotLine
from registry.api.auth import needs, sends_json
from registry.api.common import (
    PREFIX,
    Document,
    Home,
    Page,
    Published,
    cursor_key,
    page,
    page_of_sorted,
    problems,
    record,
)
from registry.api.gateway.public import Public
from registry.api.v1.wire import CAR_TYPE, CidPath, Cursor, ImagePath, Limit, NewSnapshot, ProofFormat
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.signed_records import snapshots
from registry.core import records
from registry.core.errors import UsageError
from registry.core.ipld.cid import CID
from registry.core.snapshots import checked_tables as snapshot_tables
from registry.core.table import tables
from registry.workflows.names.references import with_names
from registry.workflows.parts import Parts
from registry.workflows.snapshots.compare_snapshots import compare_snapshots
from registry.workflows.snapshots.snapshot_document import document
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.prove_picture import prove
from registry.workflows.store.read_content import read_as
from registry.workflows.withdrawals.withdrawn import withdrawals_by_snapshot


@post(
    "/snapshots",
    guards=[needs("snapshots:write"), sends_json],
    responses=problems(404, 410, 415, 422, scoped=True),
    sync_to_thread=True,
    answer=Snapshot,
)
def create_snapshot(home: Home, published: Published, data: JSONBody[NewSnapshot]) -> Response[Document]:
    """Freeze the catalog's labeled images; without a query, all of them. `rejected` (where `images` and `partial` were
    given): the names that were not taken, and why; `query` in the answer says how the images were chosen."""
    supersedes, source = (
        record(home, published, one, "snapshot") if one else None for one in (data.supersedes, data.snapshot)
    )
    done = take_snapshot(
        home,
        classes=data.classes,
        query=data.query.to_query(),
        terms=data.terms(),
        supersedes=supersedes,
        name=data.name,
        images=data.images,
        partial=data.partial,
        snapshot=source,
        include_referenced=data.include_referenced,
    )
    return Response(done, headers={"Location": f"{PREFIX}/snapshots/{done['snapshot']}"})


@get("/snapshots", responses=problems(), sync_to_thread=True, answer=PageOf[SnapshotLine])
def list_snapshots(home: Home, cursor: Cursor = None, limit: Limit = 100) -> Page:
    """Snapshots, newest first. `withdrawn`: what was taken back of each and of its images, by whom, when, why."""
    with home.catalog.read() as db:
        found, following = snapshots.list_snapshots(db, cursor=cursor, limit=limit)
        named = with_names(home, db, found, "cid")
    back = withdrawals_by_snapshot(home, found)
    return page([{**one, "withdrawn": back.get(one["cid"], [])} for one in named], following)


@get("/snapshots/{cid:str}", responses=problems(404, 410, 422, 502), sync_to_thread=True, answer=Snapshot)
def show_snapshot(home: Home, published: Published, cid: CidPath) -> Document:
    """Counts by label, and what was left out and why."""
    return document(home, _snapshot(home, published, cid)[0])


@get(
    "/snapshots/{cid:str}/items",
    responses=problems(404, 410, 422, 502),
    sync_to_thread=True,
    answer=PageOf[SnapshotItem],
)
def list_items(home: Home, published: Published, cid: CidPath, cursor: Cursor = None, limit: Limit = 100) -> Page:
    """The snapshot's items by rising sha256; boxes are [x, y, w, h] in pixels. The cursor is a sha256 in hex."""
    _, found = _snapshot(home, published, cid)
    rows = snapshot_tables.items_after(found, cursor_key(cursor), home.store.get)
    return page_of_sorted(map(_item, rows), "sha256", cursor, limit)


@get(
    "/snapshots/{cid:str}/diff/{other:str}",
    responses=problems(404, 410, 422, 502),
    sync_to_thread=True,
    answer=PageOf[Difference],
)
def diff_snapshots(
    home: Home, published: Published, cid: CidPath, other: CidPath, cursor: Cursor = None, limit: Limit = 100
) -> Page:
    """The differences of `cid` and `other`: rows of change (added, removed, changed), sha256, labels before, after."""
    before, _ = _snapshot(home, published, cid)
    after, _ = _snapshot(home, published, other)
    return page_of_sorted(compare_snapshots(home, before, after, cursor_key(cursor)), "sha256", cursor, limit)


@get(
    "/snapshots/{cid:str}/proof/{image:str}",
    responses=problems(404, 410, 422, 502),
    sync_to_thread=True,
    answer=(Proof, Bytes((CAR_TYPE,), cached=False)),
)
def prove_item(
    home: Home, published: Published, cid: CidPath, image: ImagePath, fmt: ProofFormat = "json"
) -> Response[Document] | Response[bytes]:
    """The blocks that prove to anyone that an image is in the snapshot, or is not.

    `blocks` (base64) lead from the table `items` to the row's place: hash each, and follow the keys. Absence is proved
    only for a table whose order was checked as a whole (audit level 1). `format=car`: a file that checks by
    itself, with who signed it (docs/proofs.md).
    """
    snapshot, found = _snapshot(home, published, cid)
    snapshot_tables.check_heads(found, home.store.get)
    key = image_sha256(home, image)
    if fmt == "car":
        return proof_file(prove(home, key, [snapshot]), key)
    blocks = tables.prove(found.items, (key,), home.store.get)
    row = tables.verify_proof(found.items, (key,), blocks)
    shown = {
        "snapshot": str(snapshot),
        "items": str(found.items),
        "sha256": key.hex(),
        "included": row is not None,
        "row": _item(snapshot_tables.item(found, row)) if row is not None else None,
        "blocks": [{"cid": str(block), "data": b64encode(data).decode()} for block, data in blocks.items()],
    }
    return Response(shown)


def proof_file(data: bytes, image: bytes) -> Response[bytes]:
    """A proof to be saved."""
    name = f'attachment; filename="proof-{image.hex()[:16]}.car"'
    return Response(data, media_type=CAR_TYPE, headers={"Content-Disposition": name})


def _snapshot(parts: Parts, published: Public, text: str) -> tuple[CID, records.Snapshot]:
    cid = record(parts, published, text, "snapshot")
    return cid, read_as(parts, records.Snapshot, cid)


def image_sha256(parts: Parts, image: str) -> bytes:
    """Of an image that is known here, or any sha256 in hex."""
    with parts.catalog.read() as db:
        known = images.resolve_image(db, image)
    if known is not None:
        return known
    try:
        key = bytes.fromhex(image)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise UsageError(f"{image[:100]!r} is not an image known here", hint="give its sha256 as 64 hex digits.")
    return key


def _item(row: Mapping[str, Any]) -> Document:
    """A row of SNAPSHOT_ITEMS for JSON."""
    return {
        **row,
        "sha256": row["sha256"].hex(),
        "image": str(row["image"]),
        "boxes": [[side / 100 for side in box] for box in row["boxes"]],
    }


HANDLERS = (create_snapshot, list_snapshots, show_snapshot, list_items, diff_snapshots, prove_item)
