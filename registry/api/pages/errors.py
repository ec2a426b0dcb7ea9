"""Errors for people: a page that says what happened and the way out, where a program gets the problem document.

Invariant: both are made from one problem document, so they never say different things; the page shows no more than it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from litestar import Response

from registry.api import problems
from registry.api.pages.common import SignInNeeded, page
from registry.api.pages.negotiate import is_for_people
from registry.api.pages.session import AnyRequest
from registry.api.problems import Problem

Handler = Callable[[AnyRequest, Any], Response[Any]]


def looked_for(path: str) -> str:
    """What somebody may have wanted at this address: its last part that is no fixed word, for the search."""
    parts = [part for part in unquote(path).split("/") if part]
    return parts[-1][:200] if parts else ""


def for_people(handler: Handler) -> Handler:
    """The handler, whose problem is shown as a page to who asks for pages."""

    def handled(request: AnyRequest, error: Exception) -> Response[Any]:
        answer = handler(request, error)
        if not is_for_people(request.scope):
            return answer
        if isinstance(error, SignInNeeded):
            return Response(None, status_code=303, headers={"Location": error.to, "Cache-Control": "no-store"})
        found = answer.content
        assert isinstance(found, Problem)
        wanted = looked_for(found.instance) if found.status == 404 else ""
        shown = page(request, "pages/error.html", status=found.status, look_up=False, problem=found, wanted=wanted)
        for name, value in answer.headers.items():
            shown.headers.setdefault(name, value)
        return shown

    return handled


HANDLERS = {kind: for_people(handler) for kind, handler in problems.HANDLERS.items()}
