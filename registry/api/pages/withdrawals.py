"""The page of withdrawals: all that are on record here, and taking anything back after what it touches was shown."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from registry.api.auth import speaker
from registry.api.common import Home
from registry.api.pages.base.common import check_form, html, redirect, writer
from registry.api.pages.base.session import AnyRequest
from registry.catalog.queries.signed_records.withdrawals import newest
from registry.core.errors import EmotionetError, InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.core.text import cleaning
from registry.workflows.images.registering.speaker import Speaker
from registry.workflows.images.show_image import image_or_waiting
from registry.workflows.local_issuers import local_issuers
from registry.workflows.names.find_image import find_image
from registry.workflows.parts import Parts
from registry.workflows.withdrawals.who_asks import check_asks_image, check_asks_record, check_asks_rows
from registry.workflows.withdrawals.withdraw import withdraw, withdraw_rows

REMEDIES = ("notice", "remove_bytes", "retrain")
SHOWN = 200  # of those on record
TOUCHED = 50
_FIELDS = ("target", "contributor", "reason", "remedy")


@get("/withdrawals", include_in_schema=False, sync_to_thread=True, reads=("target", "contributor"))
def list_withdrawals(request: AnyRequest, home: Home) -> Response[str]:
    """The newest first, with reasons and remedies; the form is filled in by the address."""
    return _page(request, home, dict(request.query_params.items()))


@post("/withdrawals", status_code=303, include_in_schema=False, sync_to_thread=True)
def take_back(request: AnyRequest, home: Home) -> Response[None] | Response[str]:
    """Show what it touches; with ``confirmed`` do it."""
    who = speaker(writer(request, "withdrawals:write"))
    form = {name: check_form(request).get(name, "").strip() for name in (*_FIELDS, "confirmed")}
    try:
        cleaning.clean("reason", form["reason"])
        done = _withdrawn(home, who, form, dry_run=not form["confirmed"])
    except EmotionetError as error:
        return _page(request, home, form, wrong=str(error), status=422)
    if done["entry"] is None:
        return _page(request, home, form, touched=done)
    return redirect(request, "/withdrawals", "withdrawals.done")


def _withdrawn(home: Parts, who: Speaker, form: dict[str, str], *, dry_run: bool) -> dict[str, Any]:
    if form["remedy"] not in REMEDIES:
        raise InvalidInput("the remedy is one of notice, remove_bytes and retrain", code="bad_remedy")
    how: dict[str, Any] = {"remedy": form["remedy"], "dry_run": dry_run}
    target, contributor = form["target"], form["contributor"]
    if contributor:
        check_asks_rows(who, contributor, None, home.key.did)
        image = find_image(home, target) if target else None
        return withdraw_rows(home, contributor, form["reason"], image=image, **how)
    if not target:
        raise InvalidInput("nothing is named", code="nothing_named", hint="name a target, a contributor or both.")
    try:
        target = image_or_waiting(home, target)
    except NotFound:
        CID.parse(target)
        check_asks_record(who)
    else:
        check_asks_image(home, who, target)
    return withdraw(home, target, form["reason"], **how)


def _page(
    request: AnyRequest,
    home: Parts,
    form: dict[str, str],
    *,
    touched: dict[str, Any] | None = None,
    wrong: str | None = None,
    status: int = 200,
) -> Response[str]:
    with home.catalog.read() as db:
        found = newest(db, SHOWN)
    given = {name: form.get(name, "")[:600] for name in _FIELDS}
    given["remedy"] = given["remedy"] if given["remedy"] in REMEDIES else REMEDIES[0]
    fields = {"items": found, "own": local_issuers(home), "form": given, "touched": touched, "wrong": wrong}
    return html(request, "pages/withdrawals.html", status=status, remedies=REMEDIES, most=TOUCHED, **fields)


HANDLERS = (list_withdrawals, take_back)
