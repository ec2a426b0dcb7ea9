"""Addresses of sessions: a wallet signs in (Sign-In with Ethereum, EIP-4361) and gets a token for some hours.

Invariants: a message must be for this registry's own address, which a client's Host header does not decide; a nonce
counts once; who fails too often waits.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, post
from litestar.params import JSONBody

from registry.api.access import write_log
from registry.api.access.limits import address_of
from registry.api.answers.others import Session as SessionAnswer
from registry.api.answers.others import Terms
from registry.api.auth import Needs, sends_json
from registry.api.common import Document, Home, problems
from registry.api.hints import with_way
from registry.api.pages.base.session import WrongTokens
from registry.api.problems import HttpProblem
from registry.api.v1.wire import NewSession
from registry.catalog import tokens
from registry.catalog.tokens import Caller
from registry.core.errors import Conflict, InvalidInput, Untrusted
from registry.workflows.access import sign_in
from registry.workflows.access.sign_in import NoAccount, Session
from registry.workflows.parts import Parts


def origin_of(request: Request[Any, Any, Any], parts: Parts) -> str:
    """What a wallet signs in to."""
    return sign_in.origin(parts, request.url.scheme, request.headers.get("host", ""))


def begin_session(request: Request[Any, Any, Any], parts: Parts, message: str, signature: str) -> Session:
    """A wallet's session, noted as a write. ``HttpProblem`` 401 for what proves nothing, 403 for a wallet that may not
    sign in, 429 after too many of either.
    """
    wrong: WrongTokens = request.app.state.wrong_tokens
    client = address_of(request)
    wrong.check(client)
    try:
        done = sign_in.sign_in(parts, request.app.state.accounts, origin_of(request, parts), message, signature)
    except NoAccount as error:
        wrong.add(client)
        raise HttpProblem(403, with_way(error), code=error.code) from error
    except (InvalidInput, Untrusted) as error:
        wrong.add(client)
        headers = {"WWW-Authenticate": 'Bearer realm="emotionet"'}
        raise HttpProblem(401, with_way(error), code=error.code, headers=headers) from error
    write_log.begin(request, parts, done.caller)
    return done


@post("/session/nonce", status_code=200, responses=problems(409, 415), sync_to_thread=True, answer=Terms)
def make_nonce(request: Request[Any, Any, Any], home: Home) -> Document:
    """What a message of Sign-In with Ethereum must say to be taken here: a nonce for ten minutes and one sign-in, the
    domain, the URI and the chain."""
    return sign_in.terms(home, origin_of(request, home))


@post(
    "/session", guards=[sends_json], responses=problems(401, 403, 409, 415), sync_to_thread=True, answer=SessionAnswer
)
def create_session(request: Request[Any, Any, Any], home: Home, data: JSONBody[NewSession]) -> Document:
    """Sign in with a wallet: a token for at most twelve hours with the scopes of the wallet's account. It writes in the
    wallet's name."""
    done = begin_session(request, home, data.message, data.signature)
    caller = done.caller
    return {
        "token": done.token,
        "id": caller.token,
        "account": caller.account,
        "contributor": caller.contributor,
        "scopes": list(caller.scopes),
        "expires": done.expires,
    }


@delete("/session", guards=[Needs(None)], responses=problems(401, 409, 415), sync_to_thread=True)
def end_session(request: Request[Caller, str, Any], home: Home) -> None:
    """Sign a wallet out: the token that this is sent with ends."""
    if request.user.account is None:
        hint = "`emotionet token revoke` ends it."
        raise Conflict("this token is no wallet's session", code="no_session", hint=hint)
    with home.catalog.write() as db:
        tokens.revoke(db, request.auth, home.now())


HANDLERS = (make_nonce, create_session, end_session)
