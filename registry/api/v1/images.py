"""Addresses of images: register by rows, list, read, relabel, withdraw.

Invariants: one bad row does not stop the rest. The same Idempotency-Key with the same body gives the same answer, with
a different body a conflict, also if both requests arrive at once, at two processes, or again after a crash: one
transaction holds the registered rows and the answer.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict
from hashlib import sha256
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import JSONBody, QueryParameter, RawBody

from registry.api.answers.images import Image, Registered, Relabeled, ShownImage, WithdrawnImage
from registry.api.answers.parts import PageOf
from registry.api.auth import needs, sends_json, speaker
from registry.api.common import Document, Home, Page, Published, page, problems
from registry.api.gateway.public import Public
from registry.api.problems import HttpProblem
from registry.api.v1 import image_rows
from registry.api.v1.wire import (
    ROWS_BYTES,
    Cursor,
    Filter,
    ImagePath,
    IssuerFilter,
    Key,
    Limit,
    NewLabel,
    NewWithdrawal,
    StatusFilter,
)
from registry.catalog import tokens
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.labeled_images.image_grid import Filters
from registry.catalog.queries.labeled_images.rows import image_history
from registry.catalog.tokens import Caller
from registry.workflows.images.list_images import list_images as list_page
from registry.workflows.images.register_images import MANY
from registry.workflows.images.relabel import relabel
from registry.workflows.log.append import appending
from registry.workflows.names.find_image import find_image, unknown_image
from registry.workflows.parts import Parts
from registry.workflows.withdrawals.withdraw import withdraw

_REGISTERING = threading.Lock()  # one request of this process at a time: the others are told to come again
_STATUSES = ("registered", "unchanged", "corrected", "rejected")
_PATIENCE = 20.0  # seconds that a request waits for the others, holding a thread


@post(
    "/images",
    status_code=200,
    guards=[needs("images:write")],
    request_max_body_size=ROWS_BYTES,
    responses=problems(409, 413, 415, 422, scoped=True),
    sync_to_thread=True,
    answer=Registered,
)
def register_images(
    request: Request[Caller, str, Any], home: Home, published: Published, body: RawBody, idempotency_key: Key = None
) -> Document:
    """Register labels for images whose bytes are held here; one result a row, in order.

    The body is a JSON array or NDJSON of rows (see the schema ImageRow), or CSV as labels.csv has it,
    with `cid`. `results` holds `{row, cid, sha256, status, code, reason}`; status is registered,
    unchanged, corrected or rejected. A row whose bytes are not held here is rejected as `not_held`,
    one whose bytes don't begin as a picture's as `not_an_image`, one in another contributor's name than the token's own
    as `contributor_not_yours`, unless the token has the scope `contribute-for` or the contributor signed the row.
    """
    kind = request.headers.get("content-type", "")
    digest = sha256(b"POST /images\0" + kind.encode() + b"\0" + body).hexdigest()
    given = image_rows.parse(body, kind)
    if not _REGISTERING.acquire(timeout=_PATIENCE):
        raise HttpProblem(503, "other rows are being registered: try again in a moment", headers={"Retry-After": "10"})
    try:
        return _once(home, published, given, request.user, idempotency_key, digest)
    finally:
        _REGISTERING.release()


def _once(
    parts: Parts, published: Public, given: list[image_rows.Given], caller: Caller, key: str | None, digest: str
) -> Document:
    """Register, or give the answer that this key had before."""
    token = caller.token
    if key is not None:
        with parts.catalog.read() as db:
            before = tokens.recall(db, token, key, digest)
        if before is not None:
            return dict(before)
    signer = parts.key
    measured = image_rows.measure_rows(parts, signer.did, given, published.public_store(), speaker(caller))
    with appending(parts, signer) as log:
        if key is not None and (before := tokens.recall(log.db, token, key, digest)) is not None:
            return dict(before)  # by another process, in the meantime
        answers = [asdict(answer) for answer in image_rows.register_rows(log, measured)]
        counts = Counter(answer["status"] for answer in answers)
        done: Document = {"rows": len(answers), **{status: counts[status] for status in _STATUSES}, "results": answers}
        if key is not None:
            tokens.remember(log.db, token, key, digest, done, parts.now())
    if counts["registered"] >= MANY:
        parts.catalog.analyze()
    return done


@get("/images", responses=problems(404, 409), sync_to_thread=True, answer=PageOf[Image])
def list_images(
    home: Home,
    label: Filter = None,
    issuer: IssuerFilter = None,
    contributor: Filter = None,
    subject: Filter = None,
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

    A contributor's name under two issuers is two people: `issuer` says whose, and `speakers` shows it. `right` is a
    signal (tdm-reservation, for example) or `any`; `disputed=true`: its labels differ; `run` and `dropped`: what that
    run's cleaning dropped for that reason. A page may hold fewer than `limit` and still have a `next`.
    """
    wanted = Filters(label, contributor, issuer, subject, licence, right, status, disputed)
    found = list_page(home, wanted, run=run, dropped=dropped, cursor=cursor, limit=limit)
    return page(found.images, found.next)


@get("/images/{identity:str}", responses=problems(404, 422), sync_to_thread=True, answer=ShownImage)
def show_image(home: Home, identity: ImagePath) -> Document:
    """One image, by CID or sha256 or the beginning of one, with the history of its labels."""
    sha256 = find_image(home, identity)
    with home.catalog.read() as db:
        image = images.image_of(db, sha256)
        if image is None:
            raise unknown_image(identity)
        return {**image, "history": image_history(db, bytes.fromhex(sha256))}


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
    own only with the scope `contribute-for`."""
    who = speaker(request.user)
    return relabel(home, find_image(home, identity), data.label, data.contributor, speaker=who)


@post(
    "/images/{identity:str}/withdrawal",
    status_code=201,
    guards=[needs("withdrawals:write"), sends_json],
    responses=problems(404, 415, 422, scoped=True),
    sync_to_thread=True,
    answer=WithdrawnImage,
)
def withdraw_image(home: Home, identity: ImagePath, data: JSONBody[NewWithdrawal]) -> Document:
    """Withdraw an image: it is no longer served and enters no new snapshot. The answer lists the snapshots and releases
    that hold it.
    """
    return withdraw(home, find_image(home, identity), data.reason, remedy=data.remedy)


HANDLERS = (register_images, list_images, show_image, add_label, withdraw_image)
