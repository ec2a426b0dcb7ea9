"""Addresses of images: register by rows, list, read, relabel, withdraw.

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

from registry.api.answers.images import Image, Reference, Registered, Relabeled, ShownImage, Statement, Withdrawn
from registry.api.answers.parts import Bytes, PageOf
from registry.api.auth import needs, sends_json, speaker
from registry.api.bodies import pieces
from registry.api.bulk.body import open_body
from registry.api.bulk.measured import Sender
from registry.api.bulk.register import Wanted, register_body
from registry.api.bulk.register import pieces as answered
from registry.api.bulk.rows import check_type
from registry.api.common import Document, Home, Page, Published, page, problems, record
from registry.api.problems import HttpProblem
from registry.api.v1.wire import (
    ROWS_BYTES,
    AnyWithdrawal,
    Cursor,
    Filter,
    ImagePath,
    IssuerFilter,
    Key,
    Limit,
    NewLabel,
    NewWithdrawal,
    StatusFilter,
    SubjectFilter,
)
from registry.catalog.queries.labeled_images.image_grid import Filters
from registry.catalog.queries.labeled_images.rows import rights_of
from registry.catalog.tokens import Caller
from registry.core.errors import NotFound, UsageError
from registry.core.issuers import read_issuer
from registry.workflows.images import show_image as showing
from registry.workflows.images.list_images import list_images as list_page
from registry.workflows.images.registering.relabel import relabel
from registry.workflows.names.find_image import find_image
from registry.workflows.references import show_reference as references
from registry.workflows.withdrawals.who_asks import check_asks_image, check_asks_record, check_asks_rows
from registry.workflows.withdrawals.withdraw import withdraw, withdraw_rows

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


@post(
    "/images/{identity:str}/withdrawal",
    status_code=201,
    guards=[needs("withdrawals:write"), sends_json],
    responses=problems(404, 415, 422, scoped=True),
    sync_to_thread=True,
    answer=Withdrawn,
)
def withdraw_image(
    request: Request[Caller, str, Any], home: Home, identity: ImagePath, data: JSONBody[NewWithdrawal]
) -> Document:
    """Withdraw an image: it is no longer served and enters no new snapshot. The answer lists all that it touches:
    snapshots, releases, runs, and files that left this registry, each with its remedy. With `remove_bytes` the bytes
    are gone from this registry when the answer comes. A token that is bound to a contributor withdraws an image of
    which nobody else said anything.
    """
    image = showing.image_or_waiting(home, identity)
    check_asks_image(home, speaker(request.user), image)
    return _withdraw(home, image, data)


@post(
    "/withdrawals",
    status_code=201,
    guards=[needs("withdrawals:write"), sends_json],
    responses=problems(404, 415, 422, scoped=True),
    sync_to_thread=True,
    answer=Withdrawn,
)
def withdraw_anything(
    request: Request[Caller, str, Any], home: Home, published: Published, data: JSONBody[AnyWithdrawal]
) -> Document:
    """Withdraw an image, a snapshot or a release (`target`), or what a contributor said. The answer lists all that it
    touches. A token that is bound to a contributor withdraws what that contributor said, and nothing else."""
    who = speaker(request.user)
    if data.contributor is not None:
        check_asks_rows(who, data.contributor, data.issuer and read_issuer(data.issuer), home.key.did)
        image = None if data.target is None else find_image(home, data.target)
        whose = {"image": image, "issuer": data.issuer and read_issuer(data.issuer)}
        how = {"remedy": data.remedy, "retrain": data.retrain, "dry_run": data.dry_run}
        return withdraw_rows(home, data.contributor, data.reason, **whose, **how)  # type: ignore[arg-type]
    if data.issuer is not None:  # half of a row would take the whole image back
        raise UsageError("an issuer alone says nothing of whose rows these are", hint="give `contributor`, too.")
    if data.target is None:
        raise UsageError("name a target or a contributor", hint="give `target`, `contributor` or both.")
    try:
        target = showing.image_or_waiting(home, data.target)
    except NotFound:
        target = str(record(home, published, data.target))
        check_asks_record(who)
    else:
        check_asks_image(home, who, target)
    return _withdraw(home, target, data)


def _withdraw(home: Home, target: str, data: NewWithdrawal) -> Document:
    return withdraw(home, target, data.reason, remedy=data.remedy, retrain=data.retrain, dry_run=data.dry_run)


HANDLERS = (
    withdraw_anything,
    register_images,
    list_images,
    show_image,
    list_labels,
    list_references,
    add_label,
    withdraw_image,
)
