"""The pages of snapshots: the list, one snapshot, its rows, what people and copies say, and the difference of two.

Invariant: what is not counted yet is counted by a task of this process, and its page says so; no page waits for it.
"""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from registry.api.common import Home, Published, cursor_key
from registry.api.gateway.public import Public
from registry.api.pages.base.common import html, language, redirect, with_query
from registry.api.pages.base.session import AnyRequest
from registry.api.pages.base.tasks import Task, Tasks
from registry.api.pages.snapshots.bounds import FORMS, forms_for
from registry.api.v1.wire import CidPath, Cursor, ImagePath
from registry.catalog.queries.labeled_images import images
from registry.core import records
from registry.core.errors import NotFound, UsageError
from registry.core.ipld.cid import CID
from registry.web.base.words import Words
from registry.web.pages.snapshots.listed import Head, label_bars, snapshot_head, snapshot_list
from registry.web.pages.snapshots.rows import ANY, contested_images, differences, excluded, items, one_row
from registry.workflows.names.resolve import resolve
from registry.workflows.parts import Parts
from registry.workflows.snapshots.labellers_agree import labellers_agree
from registry.workflows.snapshots.snapshot_counts import AT_ONCE, keep_counts
from registry.workflows.store.read_content import read_as
from registry.workflows.withdrawals.withdrawn import withdrawals_of, withdrawn_among

DEMANDS = ("licence", "consent", "rights")  # parts of a filter that are about what may be done with an image
MOST_UNKNOWN = 20  # labels without a class that a page names


def snapshot_of(parts: Parts, published: Public, text: str) -> CID:
    """The published snapshot that a CID, a name or the beginning of either means. Errors as ``resolve``."""
    cid = resolve(parts, text, "snapshot")
    published.check(cid)
    return cid


def count_later(request: AnyRequest, parts: Parts, cid: CID) -> Task:
    """The task that counts a snapshot; one that failed is not begun again."""
    tasks: Tasks = request.app.state.tasks
    known = tasks.get(f"count {cid}")
    if known is not None and known.done and known.error() is not None:
        return known
    return tasks.begin(lambda: keep_counts(parts, cid), key=f"count {cid}")


@get("/snapshots", include_in_schema=False, sync_to_thread=True)
def show_snapshots(request: AnyRequest, home: Home, cursor: Cursor = None) -> Response[str]:
    """Snapshots, newest first."""
    found, after, later = snapshot_list(home, cursor)
    for cid in later:
        count_later(request, home, cid)
    t = Words(language(request))
    listed = [(one, None if one.counts is None else label_bars(t, one.counts)) for one in found]
    following = with_query(request, cursor=after) if after else None
    return html(request, "pages/snapshots.html", found=listed, next=following)


@get("/snapshots/{cid:str}", include_in_schema=False, sync_to_thread=True)
def show_snapshot(request: AnyRequest, home: Home, published: Published, cid: CidPath) -> Response[str]:
    """A snapshot: what is in it, what is not, and what rests on it."""
    found = snapshot_head(home, snapshot_of(home, published, cid))
    if found.counts is None:
        task = count_later(request, home, CID.parse(found.cid))
        if task.done and (error := task.error()) is not None:
            raise error
    agreement = labellers_agree(home, CID.parse(found.cid), found.record, AT_ONCE)
    return html(
        request, "pages/snapshot.html", found=found, agreement=agreement, **_counted(Words(language(request)), found)
    )


def _counted(t: Words, found: Head) -> dict[str, Any]:
    base, counts = f"/snapshots/{found.cid}", found.counts
    aliases: dict[int, list[str]] = {}
    for word, index in sorted(found.record.aliases.items()):
        aliases.setdefault(index, []).append(word)
    return {
        "bars_of_labels": None if counts is None else label_bars(t, counts, f"{base}/items"),
        "bars_left_out": [
            {
                "label": t.known("reason", reason),
                "count": count,
                "href": f"{base}/excluded?reason={reason}",
                "current": False,
            }
            for reason, count in (counts or {"excluded": {}})["excluded"].items()
        ],
        "unknown": list((counts or {"unknown_labels": {}})["unknown_labels"].items())[:MOST_UNKNOWN],
        "aliases": aliases,
        "asked": [(name, value) for name, value in found.query.items() if name in DEMANDS],
        "downloads": (forms := forms_for(found.record.count)),
        "too_large": len(forms) < len(FORMS),
    }


@get("/snapshots/{cid:str}/items", include_in_schema=False, sync_to_thread=True, reads=("label", "background"))
def show_items(
    request: AnyRequest, home: Home, published: Published, cid: CidPath, cursor: Cursor = None
) -> Response[str]:
    """The snapshot's images with their labels."""
    snapshot = snapshot_of(home, published, cid)
    record = read_as(home, records.Snapshot, snapshot)
    label = request.query_params.get("label")
    wanted: object = None if request.query_params.get("background") else ANY if label is None else label
    found = items(home, record, cursor_key(cursor), wanted)
    following = with_query(request, cursor=found.next) if found.next else None
    return html(
        request,
        "pages/snapshot_items.html",
        cid=str(snapshot),
        record=record,
        found=found.rows,
        withdrawn=(back := withdrawals_of(home, snapshot)),
        gone=withdrawn_among(back),
        next=following,
        label=label,
        background=wanted is None,
    )


@get("/snapshots/{cid:str}/items/{image:str}", include_in_schema=False, sync_to_thread=True)
def show_item(
    request: AnyRequest, home: Home, published: Published, cid: CidPath, image: ImagePath
) -> Response[str] | Response[None]:
    """One image's row, in the snapshot or left out, with its proof."""
    snapshot = snapshot_of(home, published, cid)
    record = read_as(home, records.Snapshot, snapshot)
    sha256 = image_of(home, image)
    if sha256.hex() != image:
        return redirect(request, f"/snapshots/{snapshot}/items/{sha256.hex()}")
    back = [one for one in withdrawals_of(home, snapshot) if one["what"] == f"image {image}"]
    row = one_row(home, record, sha256)
    return html(request, "pages/snapshot_item.html", cid=str(snapshot), found=row, withdrawn=back)


def image_of(parts: Parts, text: str) -> bytes:
    """An image's sha256 from the same in hex or from a CID of it. ``NotFound`` for what is neither."""
    with parts.catalog.read() as db:
        known = images.resolve_image(db, text)
    if known is not None:
        return known
    if len(text) == 64 and all(sign in "0123456789abcdef" for sign in text):
        return bytes.fromhex(text)
    raise NotFound(f"{text[:100]!r} is no image known here", hint="give its sha256 as 64 hex digits, or its CID.")


@get("/snapshots/{cid:str}/excluded", include_in_schema=False, sync_to_thread=True, reads=("reason",))
def show_excluded(
    request: AnyRequest, home: Home, published: Published, cid: CidPath, cursor: Cursor = None
) -> Response[str]:
    """What a snapshot leaves out, and why."""
    snapshot = snapshot_of(home, published, cid)
    record = read_as(home, records.Snapshot, snapshot)
    reason = request.query_params.get("reason") or None
    found = excluded(home, record, cursor_key(cursor), reason)
    following = with_query(request, cursor=found.next) if found.next else None
    return html(
        request, "pages/snapshot_excluded.html", cid=str(snapshot), found=found.rows, next=following, reason=reason
    )


@get("/snapshots/{cid:str}/people", include_in_schema=False, sync_to_thread=True)
def show_people(
    request: AnyRequest, home: Home, published: Published, cid: CidPath, cursor: Cursor = None
) -> Response[str]:
    """Images to which people gave labels of different classes, and what the rule made of them."""
    snapshot = snapshot_of(home, published, cid)
    record = read_as(home, records.Snapshot, snapshot)
    cursor_key(cursor)
    found, after = contested_images(home, snapshot, record, cursor or "")
    following = with_query(request, cursor=after) if after else None
    return html(request, "pages/snapshot_people.html", cid=str(snapshot), record=record, found=found, next=following)


@get("/snapshots/diff", include_in_schema=False, sync_to_thread=True, reads=("a", "b"))
def choose_diff(request: AnyRequest, home: Home, published: Published) -> Response[None]:
    """From a form to the page of a difference."""
    names = [request.query_params.get(name, "").strip()[:256] for name in ("a", "b")]
    if not all(names):
        raise UsageError("name two snapshots", hint="give the CID or the name of the other one.")
    a, b = (snapshot_of(home, published, name) for name in names)
    return redirect(request, f"/snapshots/{a}/diff/{b}")


@get("/snapshots/{cid:str}/diff/{other:str}", include_in_schema=False, sync_to_thread=True)
def show_diff(
    request: AnyRequest, home: Home, published: Published, cid: CidPath, other: FromPath[str], cursor: Cursor = None
) -> Response[str]:
    """What one snapshot has and another has not, with pictures."""
    before, after = (snapshot_of(home, published, one) for one in (cid, other[:256]))
    found = differences(home, before, after, cursor_key(cursor))
    following = with_query(request, cursor=found.next) if found.next else None
    counts = [read_as(home, records.Snapshot, one).count for one in (before, after)]
    return html(
        request,
        "pages/snapshot_diff.html",
        before=str(before),
        after=str(after),
        counts=counts,
        found=found.rows,
        next=following,
    )


HANDLERS = (
    *(show_snapshots, choose_diff, show_snapshot, show_items, show_item),
    *(show_excluded, show_people, show_diff),
)
