"""Errors for people: a page that says what happened and the way out, where a program gets the problem document.

Invariant: both are made from one problem document, so they never say different things; the page shows no more than it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

from litestar import Response
from msgspec import structs

from registry.api import problems
from registry.api.hints import for_http
from registry.api.pages.base.common import SignInNeeded, page
from registry.api.pages.base.negotiate import is_for_people
from registry.api.pages.base.session import AnyRequest
from registry.api.problems import Problem
from registry.core.errors import EmotionetError
from registry.web.base.words import catalogue

LISTS = frozenset({"images", "snapshots", "runs", "releases", "audits"})
Handler = Callable[[AnyRequest, Any], Response[Any]]


def search_text(problem: Problem, query: Iterable[str] = (), template: str = "") -> str:
    """What somebody may have wanted at this address, for the search, where the address is at fault: what of it or of
    its query the problem speaks of, but no word of a page's own address (``template``); where there is no such page,
    its last part."""
    parts = [part for part in unquote(problem.instance).split("/") if part]
    at_fault = problem.status == 404 or (problem.status == 400 and len(parts) > 1 and not problem.errors)
    if problem.code == "no_such_resource":
        found = parts[-1:]
    else:
        own = template.split("/")
        asked = (*(part for part in reversed(parts) if part not in own), *query)
        found = [one for one in asked if len(one) > 1 and _speaks_of(problem.detail, one)]
    return found[0][:200] if found and at_fault else ""


def _speaks_of(detail: str, text: str) -> bool:
    """Whether a sentence has this text as a word of its own, or in quotes."""
    return re.search(rf"(?<![\w/]){re.escape(text[:80])}", detail) is not None


def begins_with_identifier(problem: Problem) -> bool:
    """Whether the detail begins with what somebody typed or with a CID, which keeps its letters as they are."""
    first = problem.detail.split(" ")[0]
    return first in unquote(problem.instance).split("/") or len(first) > 20 or not first.isalpha()


def own_list(problem: Problem) -> str | None:
    """The list that names what there is, where the way out leads to one; else None."""
    noun = next(iter(filter(None, problem.instance.split("/"))), "")
    return noun if noun in LISTS and re.search(r"(^| )/[a-z]", problem.hint or "") else None


def sentence_for(problem: Problem) -> tuple[str, str]:
    """The key of the words for this problem in another language than English, and the name that goes into them: by
    what the address names, else by the problem's code, else by its status."""
    parts = [part for part in unquote(problem.instance).split("/") if part]
    if problem.code == "not_found" and len(parts) == 2 and parts[0] in LISTS:
        return f"not_here.{parts[0]}", parts[1][:100]
    if problem.code in catalogue()["error_reason"]:
        return f"error_reason.{problem.code}", ""
    known = str(problem.status) in catalogue()["error_status"]
    return f"error_status.{problem.status if known else 400 if problem.status < 500 else 500}", ""


def with_error_pages(handler: Handler) -> Handler:
    """The handler, whose problem is shown as a page to who asks for pages."""

    def handled(request: AnyRequest, error: Exception) -> Response[Any]:
        answer = handler(request, error)
        if not is_for_people(request.scope):
            return answer
        if isinstance(error, SignInNeeded):
            return Response(None, status_code=303, headers={"Location": error.to, "Cache-Control": "no-store"})
        found = answer.content
        assert isinstance(found, Problem)
        if found.hint and isinstance(error, EmotionetError):
            found = structs.replace(found, hint=for_http(error.hint, page=True))
        fields = {
            "problem": found,
            "wanted": search_text(found, request.query_params.values(), request.scope.get("path_template", "")),
            "reads_a_form": found.status == 405 and request.method in ("GET", "HEAD"),
            "sentence": sentence_for(found),
            "verbatim": begins_with_identifier(found),
            "list": own_list(found) if found.status == 404 else None,
        }
        shown = page(request, "pages/error.html", status=found.status, look_up=False, **fields)
        for name, value in answer.headers.items():
            shown.headers[name] = value
        return shown

    return handled


HANDLERS = {kind: with_error_pages(handler) for kind, handler in problems.HANDLERS.items()}
