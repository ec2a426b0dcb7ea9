"""Every error as an RFC 9457 problem document (application/problem+json) that a program can act on.

Invariants: the status follows from the error's place in the tree of ``registry.core.errors``; ``code`` is stable. An
unexpected exception is logged here and answered with one fixed sentence, so no path, query or secret of this machine is
sent. Content that does not verify is 422 if the client sent it, 502 if it is stored here.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from registry.api.access.request_id import request_id
from registry.api.hints import for_http
from registry.core.errors import (
    Cancelled,
    Conflict,
    EmotionetError,
    InvalidInput,
    NewerVersion,
    NotFound,
    Unavailable,
    Untrusted,
    UsageError,
)
from registry.workflows.images.registering.speaker import NotYours
from registry.workflows.snapshots.named_images import RejectedNames

log = logging.getLogger("registry.api")
MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5

# class of the error -> (status, title); the first that fits counts
_CLASSES: tuple[tuple[type[EmotionetError], int, str], ...] = (
    (UsageError, 400, "The request is malformed"),
    (NewerVersion, 422, "It needs a newer Emotionet"),
    (NotYours, 403, "It is somebody else's"),
    (InvalidInput, 422, "What was given is malformed"),
    (Untrusted, 422, "Content or a signature does not verify"),
    (Unavailable, 503, "Something could not be read or reached"),
    (Conflict, 409, "It contradicts what is already there"),
    (NotFound, 404, "It is not here"),
    (Cancelled, 409, "It was cancelled"),
)
# What the database said names tables, hosts and users, what the system said names folders: it goes to the log alone.
_PRIVATE = {
    "catalog": "the catalog can't be read or written now: try again",
    "catalog_conflict": "the catalog already holds a different value: read what is there first",
    "catalog_value": "the catalog can't hold one of these values: leave out control characters and huge numbers",
    "database_url": "the catalog is not set up: see the server's log",
    "disk_full": "this server's disk is full: try again when its operator has freed space",
    "not_written": "this server can't write now: see its log, or try again later",
}
_HTTP_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "no_such_resource",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "body_stalled",
    410: "withdrawn",
    413: "too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    429: "too_many_requests",
    503: "busy",
}


MOST_FAULTS = 1000  # in one answer


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field of a request that is not as the schema says."""

    field: str
    reason: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """RFC 9457. ``detail`` is one sentence, ``hint`` the way out; ``code`` a stable word for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    errors: tuple[Fault, ...] = ()
    hint: str | None = None


class HttpProblem(HTTPException):
    """An error that only HTTP knows, such as 401 or 416, with its own code and headers."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        headers: dict[str, str] | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(detail=detail, status_code=status, headers=headers or {})
        self.hint = hint
        self.code = code or _HTTP_CODES.get(status, "error")


def response(problem: Problem, headers: dict[str, str] | None = None) -> Response[Any]:
    """The answer that carries a problem; never cached."""
    return Response(
        problem,
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={**(headers or {}), "Cache-Control": "no-store"},
    )


def told_by(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The request that a line of the log is about."""
    return {"request": request_id(request.scope)}


def _problem(request: Request[Any, Any, Any], status: int, title: str, detail: str, code: str, **more: Any) -> Problem:
    kind = f"urn:emotionet:problem:{code}"
    return Problem(type=kind, title=title, status=status, detail=detail, code=code, instance=request.url.path, **more)


def from_error(request: Request[Any, Any, Any], error: EmotionetError) -> Response[Any]:
    """The answer to one of our own errors."""
    detail, hint = str(error), error.hint
    if error.code in _PRIVATE:
        log.error("%s %s: %s", request.method, request.url.path, error, extra=told_by(request))
        detail, hint = _PRIVATE[error.code], None
    for kind, status, title in _CLASSES:
        if isinstance(error, kind):
            if kind is Untrusted and request.method in {"GET", "HEAD"}:
                status = 502
            headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else None
            more = {"errors": _rejected(error)} if isinstance(error, RejectedNames) else {}
            way = for_http(hint)
            return response(_problem(request, status, title, detail, error.code, hint=way, **more), headers)
    return from_defect(request, error)


def _rejected(error: RejectedNames) -> tuple[Fault, ...]:
    """What is wrong with each name in a list, up to as many as an answer holds."""
    return tuple(
        Fault(field=f"images[{one.row - 1}]", reason=f"{one.code}: {one.name} {one.reason}")
        for one in error.rejected[:MOST_FAULTS]
    )


def _faults(error: ValidationException) -> tuple[Fault, ...]:
    extra = error.extra if isinstance(error.extra, list) else []
    return tuple(
        Fault(field=str(item.get("key", "body")), reason=str(item.get("message", "")))
        for item in extra[:20]
        if isinstance(item, dict)
    )


def from_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """The answer to an error of the framework: no such route or method, a body that is too large or malformed."""
    status = error.status_code
    if status >= 500 and not isinstance(error, HttpProblem):
        return from_defect(request, error)
    code = error.code if isinstance(error, HttpProblem) else _HTTP_CODES.get(status, "error")
    title, detail, more = HTTPStatus(status).phrase, error.detail, dict[str, Any]()
    if isinstance(error, HttpProblem):
        more["hint"] = error.hint
    if isinstance(error, ValidationException):
        code, detail = "invalid_request", "the request is not as the schema at /schema says: see errors"
        more = {"errors": _faults(error)}
    elif not isinstance(error, HttpProblem):
        detail = _DETAILS.get(status, detail)
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() != "content-type"}
    return response(_problem(request, status, title, detail, code, **more), headers)


_DETAILS = {
    404: "there is nothing at this address: see /schema for what there is",
    405: "this address does not know that method: see /schema for what it knows",
    413: "the body is larger than this address takes: send less at once",
}


def from_defect(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer to what nobody foresaw; its reason goes to the log alone."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error, extra=told_by(request))
    detail = "something went wrong here, and it is in the server's log: report it, or try again later"
    return response(_problem(request, 500, "Internal Server Error", detail, "internal"))


async def give_up(scope: Any, send: Any) -> None:
    """Tell a client whose request is under way when the server stops, outside of the framework."""
    code, detail = "stopping", "this server is stopping, and could not wait for the end of this request: send it again"
    kind, title = f"urn:emotionet:problem:{code}", HTTPStatus(503).phrase
    told = Problem(type=kind, title=title, status=503, detail=detail, code=code, instance=scope["path"])
    headers = {
        "content-type": MEDIA_TYPE,
        "cache-control": "no-store",
        "connection": "close",
        "retry-after": str(RETRY_SECONDS),
        "x-request-id": request_id(scope),
    }
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 503, "headers": lines})
    await send({"type": "http.response.body", "body": msgspec.json.encode(told)})


HANDLERS: dict[Any, Any] = {
    EmotionetError: from_error,
    HTTPException: from_http,
    Exception: from_defect,
}
