"""The HTTP API as one Litestar application over one home.

Invariants: every answer carries the security headers; every error is a problem document; every body is bounded.
Handlers are plain functions that run in threads, because everything below them blocks. The parts of the home are opened
before the first request, so no two requests open them twice.
"""

from __future__ import annotations

from typing import Any

import anyio
from litestar import HttpMethod, Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import Message, Scope

from registry.api import health as system
from registry.api.access import request_id
from registry.api.access.gate import Gate
from registry.api.access.limits import Limits
from registry.api.access.token_uses import TokenUses
from registry.api.access.write_log import Outcomes
from registry.api.common import PREFIX
from registry.api.gateway import gateway, tlog
from registry.api.gateway.public import Public
from registry.api.log_requests import LoggedApp
from registry.api.openapi import description
from registry.api.pages import audits as audit_pages
from registry.api.pages import book, docs, lineage, predict, register, signin, verify
from registry.api.pages import home as home_page
from registry.api.pages import images as image_pages
from registry.api.pages import issuers as issuer_pages
from registry.api.pages import releases as release_pages
from registry.api.pages import withdrawals as withdrawal_pages
from registry.api.pages.base import static
from registry.api.pages.base.common import read_early
from registry.api.pages.base.errors import HANDLERS
from registry.api.pages.base.session import WrongTokens
from registry.api.pages.base.tasks import Tasks
from registry.api.pages.runs import routes as run_pages
from registry.api.pages.snapshots import routes as snapshot_pages
from registry.api.serving import pools, seen, trace
from registry.api.serving.followers import FOLLOWERS
from registry.api.serving.kept import Kept
from registry.api.serving.metrics import Answers
from registry.api.strict_request import StrictRequest
from registry.api.v1 import (
    audits,
    content,
    images,
    issuers,
    names,
    release_files,
    releases,
    runs,
    search,
    session,
    snapshots,
    withdrawals,
    writes,
)
from registry.api.v1.wire import JSON_BYTES
from registry.assembly import Home
from registry.catalog.accounts import configured
from registry.catalog.marks import Watch
from registry.workflows.images.thumbnails import Thumbnails

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",  # everything readable is public
}
_NOUNS = (
    *(content, images, withdrawals, snapshots, runs, releases, release_files),
    *(audits, names, issuers, search, session, writes),
)
_PAGES = (  # their addresses may have documents too
    *(home_page, docs, signin, image_pages, register),
    *(snapshot_pages, run_pages),
    *(release_pages, predict, lineage, audit_pages, issuer_pages, withdrawal_pages),
)
_ROOT = (
    *gateway.ROOT_HANDLERS,
    *tlog.HANDLERS,
    *system.ROOT_HANDLERS,
    *static.HANDLERS,
    *verify.HANDLERS,
    *book.HANDLERS,
)

_SECURE = tuple((name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items())


async def _secure(message: Message, scope: Scope) -> None:
    """A hook that adds the security headers to every answer, errors among them."""
    if message["type"] == "http.response.start":
        headers = list(message["headers"])
        given = {name.lower() for name, _ in headers}
        message["headers"] = [*headers, *(one for one in _SECURE if one[0] not in given)]


def _state(home: Home, **made: Any) -> State:
    """What requests share: ``made``, and the rest made here."""
    return State(
        {
            "home": home,
            "writes": system.Once(lambda: system.check_writes(home)),
            "followers": anyio.CapacityLimiter(FOLLOWERS),
            "uploads": anyio.CapacityLimiter(content.UPLOADS),
            "registering": anyio.CapacityLimiter(images.REGISTERING),
            "wrong_tokens": WrongTokens(),
            "accounts": configured(home.settings.accounts),
            "thumbnails": Thumbnails(home),
            "tasks": Tasks(),
            **made,
        }
    )


def create_app(home: Home) -> Litestar:
    """The application over ``home``, whose catalog, store, queue and key are opened here."""
    for part in ("catalog", "store", "queue", "key"):
        getattr(home, part)
    answers, published, outcomes = Answers(), Public(home), Outcomes(home)
    pools.install()
    trace.set_up()
    watch = Watch(home.catalog)
    limits, uses = Limits(home.settings.address_limit, home.settings.token_limit), TokenUses(home.catalog, home.now)
    gate = Gate(limits)
    api = Router(path=PREFIX, route_handlers=[handler for noun in _NOUNS for handler in noun.HANDLERS])
    pages = [handler for noun in _PAGES for handler in noun.HANDLERS]
    site = Router(
        path="/", route_handlers=pages, before_request=read_early
    )  # by a router: Litestar 2.25 wraps a path's second handler twice
    app = LoggedApp(
        route_handlers=[
            api,
            *_ROOT,
            site,
        ],
        dependencies={
            "home": Provide(lambda: home, sync_to_thread=False),
            "published": Provide(lambda: published, sync_to_thread=False),
        },
        state=_state(home, answers=answers, watch=watch, limits=limits, token_uses=uses),
        guards=[gate.check],
        exception_handlers=HANDLERS,
        request_class=StrictRequest,
        request_max_body_size=JSON_BYTES,
        before_send=[_secure, request_id.tell, seen.note, outcomes.note],
        on_shutdown=[uses.finish, watch.close],
        openapi_config=description(),
        logging_config=None,
        debug=False,
    )
    app.watch, app.kept = watch, Kept()
    app.state.parameters = gate.know(app)
    app.negotiate(path for handler in pages for path in handler.paths if HttpMethod.GET in handler.http_methods)
    return app
