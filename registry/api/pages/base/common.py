"""What the handlers of pages share: the rendered answer, who may write, and the forms that are sent.

Invariants: every page carries the same strict policy; no page is kept by a cache that others share; a redirect leads to
an address of ours and nowhere else; nothing from a form is used before its value against forgery was checked.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from litestar import Response
from litestar.datastructures import Cookie, UploadFile

from registry.api.access import write_log
from registry.api.access.parameters import Parameters
from registry.api.auth import lacking, used
from registry.api.pages.base.negotiate import LOOP, accepted_types
from registry.api.pages.base.session import AnyRequest, check_csrf, check_origin, cookie, csrf, signed_in
from registry.api.problems import HttpProblem
from registry.catalog.tokens import Caller
from registry.web.base.site import Look, render_site
from registry.web.base.words import LANGUAGES, Words

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",  # a form's origin must be told; nobody else learns what was looked at
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",  # asked for again, yet there at once when somebody goes back
}
LANGUAGE, SAID = "emotionet_lang", "emotionet_said"
YEAR = 365 * 86_400
FORM = "emotionet.form"  # the scope's key of a form's fields, once they were read
EARLY_BYTES = 1 << 20  # of a form, which are read before a thread is taken
_WAITING = threading.BoundedSemaphore(2)  # larger ones that are read at once
MAX_SAID = 4096  # what browsers keep of a cookie; other programs of this host may have set it


def language(request: AnyRequest) -> str:
    """The page's language: ``?lang=``, else what was chosen before, else what the browser likes best, else English."""
    for said in (request.query_params.get("lang"), request.cookies.get(LANGUAGE)):
        if said in LANGUAGES:
            return str(said)
    return _preferred_language(request.headers.get("accept-language", ""))


def _preferred_language(header: str) -> str:
    found = [(weight, name.partition("-")[0]) for name, weight in accepted_types(header) if weight > 0]
    known = [one for one in found if one[1] in LANGUAGES]
    return max(known, key=lambda one: one[0])[1] if known else LANGUAGES[0]


def with_query(request: AnyRequest, **changes: str | None) -> str:
    """This page's address with some values of the query changed; None takes one out."""
    kept = [pair for pair in _pairs(request) if pair[0] not in changes]
    query = urlencode([*kept, *((name, value) for name, value in changes.items() if value is not None)])
    return _own_path(request) + (f"?{query}" if query else "")


def _pairs(request: AnyRequest) -> list[tuple[str, str]]:
    return parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _own_path(request: AnyRequest) -> str:
    path = "/" + request.url.path.lstrip("/")  # what begins with two slashes names another host
    return quote(path, safe="/:@!$&'()*+,;=~")


def _document(request: AnyRequest) -> str:
    """The address of this page's document, with those values of the query that it takes."""
    parameters: Parameters = request.app.state.parameters
    taken = parameters.of_document(request.scope.get("path_template", ""))
    kept = [pair for pair in _pairs(request) if pair[0] in taken and pair[0] not in ("lang", "format")]
    return f"{_own_path(request)}?{urlencode([*kept, ('format', 'json')])}"


def html(request: AnyRequest, template: str, *, status: int = 200, **fields: Any) -> Response[str]:
    """A page of ``templates`` in the reader's language."""
    return page(request, template, status=status, look_up=True, **fields)


def page(request: AnyRequest, template: str, *, status: int, look_up: bool, **fields: Any) -> Response[str]:
    """``html``; without ``look_up`` the catalog is not asked who is signed in (for errors, which may be its own)."""
    chosen, cookies = language(request), list[Cookie]()
    if not look_up:
        request.scope.setdefault("emotionet.signed_in", None)  # type: ignore[typeddict-item]

    def form_value() -> str:
        value, made = csrf(request)
        if made:
            cookies.append(made)
            request.cookies[made.key] = str(made.value)  # the page's next form follows from the same one
        return value

    t = Words(chosen)
    look = Look(
        path=request.url.path,
        signed_in=signed_in(request),
        asked=look_up,
        csrf=form_value,
        said=_said(request, t),
        here=quote(with_query(request, lang=None), safe="/"),
        json=_document(request),
        languages={one: with_query(request, lang=one) for one in LANGUAGES},
    )
    text = render_site(template, t, look, **fields)
    if request.query_params.get("lang") in LANGUAGES:
        cookies.append(cookie(request, LANGUAGE, chosen, YEAR))
    if SAID in request.cookies:
        cookies.append(cookie(request, SAID, "", 0))
    reading = request.method in {"GET", "HEAD"}  # what a form gave is kept by nobody
    headers = HEADERS if reading else {**HEADERS, "Cache-Control": "no-store"}
    return Response(text, status_code=status, media_type="text/html", headers=headers, cookies=cookies)


def _said(request: AnyRequest, t: Words) -> str | None:
    """What the form that led here wants said, once: a key of the words and what it fills in."""
    given = request.cookies.get(SAID, "")
    try:
        key, values = json.loads(unquote(given)) if len(given) < MAX_SAID else (None, {})
        return t(str(key), **{str(name): str(value) for name, value in values.items()})
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None


def redirect(request: AnyRequest, to: str, said: str | None = None, **values: str) -> Response[None]:
    """303 to a page of ours, which then says the words of the key ``said`` once."""
    cookies = [cookie(request, SAID, quote(json.dumps([said, values])), 60)] if said else []
    headers = {"Location": own_address(to), "Cache-Control": "no-store"}
    return Response(None, status_code=303, headers=headers, cookies=cookies)


def own_address(text: str) -> str:
    """An address of this service as a path and a query; ``/`` for whatever could lead elsewhere."""
    parts = urlsplit(text) if text.isprintable() and "\\" not in text else None
    if parts is None or parts.scheme or parts.netloc or not text.startswith("/") or text.startswith("//"):
        return "/"
    return quote(text, safe="/:@!$&'()*+,;=~?%")


class SignInNeeded(HttpProblem):
    """A person must sign in first; ``to`` is where they are sent for that."""

    def __init__(self, back: str) -> None:
        super().__init__(401, "sign in with a token first", code="token_missing")
        self.to = f"/signin?next={quote(back, safe='')}"


def writer(request: AnyRequest, scope: str) -> Caller:
    """Whose token is signed in, which has ``scope``; the write that it begins is noted.

    ``SignInNeeded`` (a redirect to the page for it) where nobody is; ``HttpProblem`` 403 where the scope is missing.
    """
    found = signed_in(request)
    if found is None:
        raise SignInNeeded(_shown_before(request))
    if not found.may(scope):
        raise lacking("the token that you signed in with", scope, found.caller)
    used(request, found.caller)
    write_log.begin(request, request.app.state.home, found.caller)
    return found.caller


def _shown_before(request: AnyRequest) -> str:
    """This page's address, or for a form that of the page that it stood on."""
    if request.method in {"GET", "HEAD"}:
        return with_query(request)
    parts = urlsplit(request.headers.get("referer", ""))
    return own_address(parts.path + (f"?{parts.query}" if parts.query else "")) if parts.path else "/"


async def read_early(request: AnyRequest) -> None:
    """A hook that reads small forms before a thread is taken, so that slow senders hold none."""
    size = request.headers.get("content-length", "")
    if request.method == "POST" and _is_form(request) and size.isdecimal() and int(size) <= EARLY_BYTES:
        await _read(request)


async def _read(request: AnyRequest) -> None:
    request.scope[FORM] = list((await request.form()).multi_items())  # type: ignore[literal-required]


def wait_for(request: AnyRequest, work: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine of the request gives, for a handler that runs in a thread.

    ``HttpProblem`` 503 where as many others wait so already as may: who sends slowly must not hold every thread.
    """
    loop: asyncio.AbstractEventLoop = request.scope[LOOP]  # type: ignore[literal-required]
    if not _WAITING.acquire(timeout=1):
        work.close()
        raise HttpProblem(503, "other files are coming in: try again in a moment", headers={"Retry-After": "10"})
    try:
        return asyncio.run_coroutine_threadsafe(work, loop).result()
    finally:
        _WAITING.release()


def _is_form(request: AnyRequest) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in {"application/x-www-form-urlencoded", "multipart/form-data"}


def check_form(request: AnyRequest) -> dict[str, str]:
    """The fields of a form that was sent from a page of ours; of a name that comes twice, the first.

    ``HttpProblem`` 403 for a form of another site's or one without its value against forgery, 413 for one that is
    larger than its handler takes, 415 for what is no form.
    """
    return {name: value for name, value in reversed(_form(request)) if isinstance(value, str)}


def form_lists(request: AnyRequest) -> Mapping[str, list[str]]:
    """The same, every value of every name."""
    found: dict[str, list[str]] = {}
    for name, value in _form(request):
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


def form_files(request: AnyRequest) -> list[tuple[str, UploadFile]]:
    """The files of the same form, with their fields' names; an empty choice of file is none."""
    return [(name, one) for name, one in _form(request) if isinstance(one, UploadFile) and one.filename]


def _form(request: AnyRequest) -> list[tuple[str, Any]]:
    check_origin(request)
    if not _is_form(request):
        raise HttpProblem(415, "send a form from a page")
    if FORM not in request.scope:
        wait_for(request, _read(request))
    found: list[tuple[str, Any]] = request.scope[FORM]  # type: ignore[literal-required]
    check_csrf(request, next((value for name, value in found if name == "csrf" and isinstance(value, str)), ""))
    return found
