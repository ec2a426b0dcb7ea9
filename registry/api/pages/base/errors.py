"""Errors for people: a page that says what happened and the way out, where a program gets the problem document.

Invariant: both are made from one problem document, so they never say different things; the page shows no more than it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from litestar import Response

from registry.api import problems
from registry.api.pages.base.common import SignInNeeded, page
from registry.api.pages.base.negotiate import is_for_people
from registry.api.pages.base.session import AnyRequest
from registry.api.problems import Problem

LISTS = frozenset({"images", "snapshots", "runs", "releases", "audits"})
Handler = Callable[[AnyRequest, Any], Response[Any]]


def looked_for(problem: Problem) -> str:
    """What somebody may have wanted at this address, for the search: its last part, where the address is at fault."""
    parts = [part for part in unquote(problem.instance).split("/") if part]
    at_fault = problem.status == 404 or (problem.status == 400 and len(parts) > 1 and not problem.errors)
    return parts[-1][:200] if parts and at_fault else ""


def begins_with_identifier(problem: Problem) -> bool:
    """Whether the detail begins with what somebody typed or with a CID, which keeps its letters as they are."""
    first = problem.detail.split(" ")[0]
    return first in unquote(problem.instance).split("/") or len(first) > 20 or not first.isalpha()


def own_list(problem: Problem) -> str | None:
    """The list that names what there is, where the way out is one of the command line's lists; else None."""
    noun = next(iter(filter(None, problem.instance.split("/"))), "")
    return noun if "`emotionet " in (problem.hint or "") and noun in LISTS else None


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
        fields = {
            "problem": found,
            "wanted": looked_for(found),
            "verbatim": begins_with_identifier(found),
            "list": own_list(found) if found.status == 404 else None,
        }
        shown = page(request, "pages/error.html", status=found.status, look_up=False, **fields)
        for name, value in answer.headers.items():
            shown.headers[name] = value
        return shown

    return handled


HANDLERS = {kind: for_people(handler) for kind, handler in problems.HANDLERS.items()}
