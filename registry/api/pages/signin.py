"""Signing in with a token or a wallet, and out again. Reading needs neither.

Invariants: the token's text is read once and kept nowhere; who sent too many that are none waits; the way back leads to
an address of this service.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from litestar import Response, get, post

from registry.api.common import Home
from registry.api.pages.base.common import check_form, html, own_address, redirect
from registry.api.pages.base.session import HOURS, SESSION, AnyRequest, WrongTokens, cookie
from registry.api.problems import HttpProblem
from registry.api.v1.session import begin_session, origin_of
from registry.catalog import sessions, tokens
from registry.core.errors import Conflict
from registry.workflows.access import sign_in as wallet_sign_in

FORM_BYTES = 16_384


def _later(now: str, hours: int) -> str:
    return (datetime.fromisoformat(now) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _page(request: AnyRequest, home: Home, back: str, wrong: bool, status: int = 200) -> Response[str]:
    fields = {
        "back": own_address(back),
        "wrong": wrong,
        "scopes": tokens.SCOPES,
        "wallets": _takes_wallets(request, home),
    }
    return html(request, "pages/signin.html", status=status, **fields)


def _takes_wallets(request: AnyRequest, home: Home) -> bool:
    """Whether a wallet can know what it signs in to."""
    try:
        origin_of(request, home)
    except Conflict:
        return False
    return True


@get("/signin", include_in_schema=False, sync_to_thread=True, reads=("next",))
def show_sign_in(request: AnyRequest, home: Home) -> Response[str]:
    """The form, and how to get a token."""
    return _page(request, home, request.query_params.get("next", "/"), wrong=False)


@post("/signin", status_code=200, include_in_schema=False, request_max_body_size=FORM_BYTES, sync_to_thread=True)
def sign_in(request: AnyRequest, home: Home) -> Response[Any]:
    """A session for a token that is valid, or for a wallet that signed; the form again for what is neither."""
    form = check_form(request)
    if "signature" in form:
        return _by_wallet(request, home, form)
    client, wrong = request.client.host if request.client else "", _wrong(request)
    wrong.check(client)
    back, now = form.get("next", "/"), home.now()
    with home.catalog.write() as db:
        token = tokens.check(db, form.get("token", "").strip()[:512], None, now)
        secret = sessions.begin(db, token, now, _later(now, HOURS)) if token else ""
    if not secret:
        wrong.add(client)
        return _page(request, home, back, wrong=True, status=401)
    return _signed_in(request, secret, back)


def _signed_in(request: AnyRequest, secret: str, back: str) -> Response[Any]:
    answer = redirect(request, back, "site_signin.done")
    answer.cookies.append(cookie(request, SESSION, secret, HOURS * 3600))
    return answer


def _by_wallet(request: AnyRequest, home: Home, form: dict[str, str]) -> Response[Any]:
    back, text = form.get("next", "/"), form.get("message", "").replace("\r\n", "\n")  # as forms send a line's end
    try:
        begun = begin_session(request, home, text, form["signature"].strip()[:8194])
    except HttpProblem as error:
        if error.status_code == 429:
            raise
        return _message(request, home, _address_in(text), back, wrong=error.detail, status=error.status_code)
    with home.catalog.write() as db:
        secret = sessions.begin(db, begun.caller.token, home.now(), begun.expires)
    return _signed_in(request, secret, back)


def _address_in(text: str) -> str:
    """The address that a message names, where it is one."""
    found = re.search("^0x[0-9a-fA-F]{40}$", text[:500], re.MULTILINE)
    return found[0] if found else ""


@post("/signin/wallet", status_code=200, include_in_schema=False, request_max_body_size=FORM_BYTES, sync_to_thread=True)
def show_message(request: AnyRequest, home: Home) -> Response[str]:
    """The message that a wallet signs, with where its signature goes."""
    form = check_form(request)
    return _message(request, home, form.get("address", "").strip(), form.get("next", "/"))


def _message(
    request: AnyRequest, home: Home, address: str, back: str, wrong: str | None = None, status: int = 200
) -> Response[str]:
    text = wallet_sign_in.message(home, origin_of(request, home), address)
    fields = {"address": address, "message": text, "back": own_address(back), "wrong": wrong}
    return html(request, "pages/signin_wallet.html", status=status, **fields)


def _wrong(request: AnyRequest) -> WrongTokens:
    found: WrongTokens = request.app.state.wrong_tokens
    return found


@post("/signout", status_code=303, include_in_schema=False, request_max_body_size=FORM_BYTES, sync_to_thread=True)
def sign_out(request: AnyRequest, home: Home) -> Response[Any]:
    """The end of a session."""
    check_form(request)
    if secret := request.cookies.get(SESSION):
        with home.catalog.write() as db:
            sessions.end(db, secret)
    answer = redirect(request, "/", "site_signin.out")
    answer.cookies.append(cookie(request, SESSION, "", 0))
    return answer


HANDLERS = (show_sign_in, sign_in, show_message, sign_out)
