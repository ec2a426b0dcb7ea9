"""Addresses of images: register by rows, list, read, relabel.

Invariants: one bad row does not stop the rest. The same Idempotency-Key with the same body gives the same answer for a
day, also if both requests arrive at once, at two processes, or again after a crash; with a different body it is refused
(``registry.catalog.idempotency``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, Annotated, Any, Literal

from anyio import CapacityLimiter, fail_after, to_thread
from litestar import Request, get, post
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, QueryParameter
from litestar.response import Stream

from registry.api.answers.images import Image, Reference, Registered, Relabeled, ShownImage, Statement
from registry.api.answers.parts import Bytes, PageOf
from registry.api.auth import needs, sends_json, speaker
from registry.api.bodies import pieces
from registry.api.bulk.body import open_body
from registry.api.bulk.measured import Sender
from registry.api.bulk.register import Wanted, register_body
from registry.api.bulk.register import pieces as answered
from registry.api.bulk.rows import check_type
from registry.api.common import Document, Home, Page, Published, page, problems
from registry.api.problems import HttpProblem
from registry.api.v1.wire import (
    ROWS_BYTES,
    Cursor,
    Filter,
    ImagePath,
    IssuerFilter,
    Key,
    Limit,
    NewLabel,
    StatusFilter,
    SubjectFilter,
)
from registry.catalog.queries.labeled_images.image_grid import Filters
from registry.catalog.queries.labeled_images.rows import rights_of
from registry.catalog.tokens import Caller
from registry.workflows.images import show_image as showing
from registry.workflows.images.list_images import list_images as list_page
from registry.workflows.images.registering.relabel import relabel
from registry.workflows.names.find_image import find_image
from registry.workflows.references import show_reference as references

NDJSON = "application/x-ndjson"
WAITS = {202: ResponseSpec(dict[str, Any], description="Some rows wait for their images", generate_examples=False)}
REGISTERING = 16  # requests of this process at a time, each with a thread; the others are told to come again
_PATIENCE = 20.0  # seconds that a request waits for the others


@post(
    "/images",
    status_code=200,
    guards=[needs("images:write")],
    request_max_body_size=ROWS_BYTES,
    responses=problems(408, 413, 415, 422, scoped=True) | WAITS,
    opt={"unpacks": True},
    answer=(Registered, Bytes((NDJSON,), cached=False)),
)
async def register_images(
    request: Request[Caller, str, Any],
    home: Home,
    published: Published,
    idempotency_key: Key = None,
    rows: Annotated[Literal["all"] | None, QueryParameter(description="all: a line for every row")] = None,
) -> Stream:
    """Register labels for images, by their CIDs.

    The body is a JSON array or NDJSON of rows (see the schema ImageRow), or CSV as labels.csv has it, with `cid`; it
    may be packed (`Content-Encoding: gzip` or `zstd`), has at most 1 GiB both ways, and at most 30 minutes to come.
    The answer counts `rows`, `registered`, `unchanged`, `corrected`, `referenced` and `rejected`. `results` holds
    `{row, cid, sha256, status, code, reason, note}` of each row that was not simply registered, in their order, or of
    every row with `rows=all`. With `Accept: application/x-ndjson` it is a line each, and the counts are the last line.
    An answer without `"complete": true` at its end was cut off: send the request again, with the same Idempotency-Key,
    and the answer is the same.

    A row whose image is not held here is `referenced`, where this registry has a gateway to fetch it from: the status
    is then 202, the row is signed once the image has come and was verified, and `GET /images/{cid}` tells how far that
    is. Without a gateway it is rejected as `not_held`. Rejected is also one whose bytes don't begin as a picture's as
    `not_an_image`, one in another contributor's name than the token's own as `contributor_not_yours`, unless the token
    has the scope `contribute-for` or the contributor signed the row.
    """
    kind = check_type(request.headers.get("content-type", ""))
    lines = NDJSON in request.headers.get("accept", "")
    wanted = Wanted(kind, rows == "all", lines, str(request.auth), idempotency_key)
    body, digest = open_body(pieces(request), request.headers.get("content-encoding", "").strip().lower())
    who = speaker(request.user)

    def work() -> tuple[IO[bytes], bool]:
        sender = Sender(home, home.key.did, who, published.public_store())
        return register_body(sender, body, digest, wanted)

    async with _slot(request.app.state.registering):
        answer, waits = await to_thread.run_sync(work, limiter=CapacityLimiter(1))
    kind = NDJSON if lines else "application/json"
    return Stream(answered(answer), media_type=kind, status_code=202 if waits else 200)


@asynccontextmanager
async def _slot(limiter: CapacityLimiter) -> AsyncIterator[None]:
    try:
        with fail_after(_PATIENCE):
            await limiter.acquire()
    except TimeoutError:
        reason = "other rows are being registered: try again in a moment"
        raise HttpProblem(503, reason, headers={"Retry-After": "10"}) from None
    try:
        yield
    finally:
        limiter.release()


@get("/images", responses=problems(404, 409), sync_to_thread=True, answer=PageOf[Image])
def list_images(
    home: Home,
    label: Filter = None,
    issuer: IssuerFilter = None,
    contributor: Filter = None,
    subject: SubjectFilter = None,
    licence: Filter = None,
    right: Filter = None,
    status: StatusFilter = None,
    disputed: Annotated[bool, QueryParameter(description="only images whose labels differ")] = False,
    run: Filter = None,
    dropped: Filter = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page:
    """Images by rising sha256; label, issuer, contributor, subject, licence and right must be met by one newest label.

    A contributor's name under two issuers is two people: `issuer` says whose, and `speakers` shows it. Of many
    `labellers` the first 100 are named; an image's `labels` name all, a page at a time. `right` is a
    signal (tdm-reservation, for example, whoever says it; picture.tdm-reservation: the picture itself) or `any`, and
    each image then has its `rights` and their `standing`;
    `disputed=true`: its labels differ; `run` and `dropped`: what that run's cleaning dropped for that reason. A page
    may hold fewer than `limit` and still have a `next`.
    """
    wanted = Filters(label, contributor, issuer, subject, licence, right, status, disputed)
    found = list_page(home, wanted, run=run, dropped=dropped, cursor=cursor, limit=limit)
    if right is None:
        return page(found.images, found.next)
    with home.catalog.read() as db:
        said = rights_of(db, [one["sha256"] for one in found.images])
    return page([{**one, **said[one["sha256"]]} for one in found.images], found.next)


@get("/images/{identity:str}", responses=problems(404, 422), sync_to_thread=True, answer=ShownImage)
def show_image(home: Home, identity: ImagePath) -> Document:
    """One image, by CID or sha256 or the beginning of one. `history`: the newest 100 of what was said about it, the
    newest last; `next` is then the cursor of `GET /images/{cid}/labels` for what was said before, or null. `reference`:
    whether its bytes are still to come (state waiting), or why they were given up; null where nothing is to come.
    """
    return showing.show_image(home, identity, most=showing.HISTORY)


@get("/images/{identity:str}/labels", responses=problems(404, 422), sync_to_thread=True, answer=PageOf[Statement])
def list_labels(home: Home, identity: ImagePath, cursor: Cursor = None, limit: Limit = 100) -> Page:
    """Everything that was said about an image, with its contribution and entry, the newest first."""
    return page(*showing.image_labels(home, identity, cursor=cursor, limit=limit))


@get("/references", responses=problems(), sync_to_thread=True, answer=PageOf[Reference])
def list_references(
    home: Home,
    only: Annotated[Literal["waiting", "given_up"] | None, QueryParameter(name="state")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page:
    """Images that rows name and whose bytes have yet to come, or were given up and why, by rising CID."""
    return page(*references.list_references(home, state=only, cursor=cursor, limit=limit))


@post(
    "/images/{identity:str}/labels",
    status_code=200,
    guards=[needs("images:write"), sends_json],
    responses=problems(404, 415, 422, scoped=True),
    sync_to_thread=True,
    answer=Relabeled,
)
def add_label(
    request: Request[Caller, str, Any], home: Home, identity: ImagePath, data: JSONBody[NewLabel]
) -> Document:
    """Give an image another label. The old label stays in its history. In another contributor's name than the token's
    own only with the scope `contribute-for`, or with that contributor's signature of the row (EIP-712)."""
    return relabel(
        home,
        find_image(home, identity),
        data.label,
        data.contributor,
        speaker=speaker(request.user),
        signature=data.signature,
        rights=data.rights,
    )


HANDLERS = (
    register_images,
    list_images,
    show_image,
    list_labels,
    list_references,
    add_label,
)
