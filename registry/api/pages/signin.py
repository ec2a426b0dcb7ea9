"""Signing in with a token, and out again. Reading needs neither.

Invariants: the token's text is read once and kept nowhere; who sent too many that are none waits; the way back leads to
an address of this service.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from litestar import Response, get, post

from registry.api.common import Home
from registry.api.pages.base.common import check_form, html, own_address, see
from registry.api.pages.base.session import HOURS, SESSION, AnyRequest, WrongTokens, cookie
from registry.catalog import sessions, tokens

FORM_BYTES = 16_384


def _later(now: str, hours: int) -> str:
    return (datetime.fromisoformat(now) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _page(request: AnyRequest, back: str, wrong: bool, status: int = 200) -> Response[str]:
    return html(request, "pages/signin.html", status=status, back=own_address(back), wrong=wrong, scopes=tokens.SCOPES)


@get("/signin", include_in_schema=False, sync_to_thread=True)
def show_sign_in(request: AnyRequest) -> Response[str]:
    """The form, and how to get a token."""
    return _page(request, request.query_params.get("next", "/"), wrong=False)


@post("/signin", status_code=200, include_in_schema=False, request_max_body_size=FORM_BYTES, sync_to_thread=True)
def sign_in(request: AnyRequest, home: Home) -> Response[Any]:
    """A session for a token that is valid; the form again for one that is not."""
    form = check_form(request)
    client, wrong = request.client.host if request.client else "", _wrong(request)
    wrong.check(client)
    back, now = form.get("next", "/"), home.now()
    with home.catalog.write() as db:
        token = tokens.check(db, form.get("token", "").strip()[:512], None, now)
        secret = sessions.begin(db, token, now, _later(now, HOURS)) if token else ""
    if not secret:
        wrong.add(client)
        return _page(request, back, wrong=True, status=401)
    answer = see(request, back, "site_signin.done")
    answer.cookies.append(cookie(request, SESSION, secret, HOURS * 3600))
    return answer


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
    answer = see(request, "/", "site_signin.out")
    answer.cookies.append(cookie(request, SESSION, "", 0))
    return answer


HANDLERS = (show_sign_in, sign_in, sign_out)
