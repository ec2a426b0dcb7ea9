"""The trustless gateway at /ipfs: one block, or a DAG's blocks as a CAR, of what this registry has published.

Invariants: it sends only what the client can verify, so no web page in the store is ever shown as ours. It does not
fetch missing blocks from elsewhere. ``registry.api.gateway.public`` decides block by block what is sent.

Sources: the trustless gateway specification (specs.ipfs.tech/http-gateways/trustless-gateway), and what it refers to of
the path gateway's: status codes, caching, Content-Location, ?filename=.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from litestar import HttpMethod, Request, Response, route
from litestar.di import NamedDependency, Provide
from litestar.params import PathParameter, QueryParameter
from litestar.response import Stream

from registry.api.answers.parts import Bytes
from registry.api.common import Home, Published, problems
from registry.api.gateway import accept, ranges
from registry.api.gateway import path as gateway_path
from registry.api.gateway.car import EntityBytes, Extract
from registry.api.gateway.path import Way
from registry.api.gateway.public import Public
from registry.api.problems import HttpProblem
from registry.api.serving import seen
from registry.api.v1.wire import CAR_TYPE, CidPath
from registry.core.errors import NotFound
from registry.core.ipld.typed_cid import given
from registry.workflows.parts import Parts

ASK_AGAIN = "public, no-cache"
MAX_ROOTS = 64  # more are left out of X-Ipfs-Roots, which is a hint for caches
_SAFE = "/:@!$&'()*+,;=~"  # what a path may hold as it is (RFC 3986)
_STATUSES = problems(404, 406, 410, 412, 416, 422, 502)
_ANSWER = Bytes((accept.RAW_TYPE, CAR_TYPE), partial=True)
PathText = Annotated[str, PathParameter(max_length=4096)]
Scope = Literal["all", "entity", "block"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the query and the headers ask for; ``query`` is the part of the query that an answer depends on."""

    form: accept.Form
    scope: str
    entity_bytes: EntityBytes | None
    filename: str | None
    query: dict[str, str]


def wanted(
    request: Request[Any, Any, Any],
    form: Annotated[
        str | None,
        QueryParameter(
            name="format", max_length=40, description="raw or car; default: what the Accept header asks for"
        ),
    ] = None,
    depth: Annotated[
        Scope | None, QueryParameter(name="dag-scope", description="how much of the DAG the CAR holds (default: all)")
    ] = None,
    extent: Annotated[
        str | None,
        QueryParameter(
            name="entity-bytes", max_length=60, description="bytes of a file as from:to, both inclusive; to may be *"
        ),
    ] = None,
    version: Annotated[Literal["1"] | None, QueryParameter(name="car-version", description="of the CAR")] = None,
    order: Annotated[
        Literal["dfs", "unk"] | None, QueryParameter(name="car-order", description="of the CAR's blocks")
    ] = None,
    dups: Annotated[
        Literal["y", "n"] | None, QueryParameter(name="car-dups", description="repeat a block where the DAG repeats it")
    ] = None,
    filename: Annotated[str | None, QueryParameter(max_length=255, description="for Content-Disposition")] = None,
    download: Annotated[
        Literal["true", "false"] | None, QueryParameter(description="taken, as gateways do: every answer is a file")
    ] = None,
) -> Wanted:
    """The request's parameters. ``HttpProblem`` 400 or 406, ``UsageError`` for entity-bytes."""
    named = {"version": version, "order": order, "dups": dups}
    car = {name: value for name, value in named.items() if value}
    chosen = accept.choose(form, ",".join(request.headers.getall("accept", [])), car)
    query = {"format": chosen.kind}
    if chosen.kind == "car":
        query |= {"car-order": "dfs", "car-dups": "y" if chosen.duplicates else "n"}
        query |= {name: value for name, value in (("dag-scope", depth), ("entity-bytes", extent)) if value}
    if filename:
        query["filename"] = filename
    part = EntityBytes.parse(extent) if extent is not None else None
    if part is not None and depth != "block":
        depth = "entity"  # which entity-bytes implies
    return Wanted(chosen, depth or "all", None if depth == "block" else part, filename, query)


Asked = NamedDependency[Wanted]
_DEPENDENCIES = {"wanted": Provide(wanted, sync_to_thread=False)}
_METHODS = [HttpMethod.GET, HttpMethod.HEAD]


@route(
    "/ipfs/{cid:str}",
    http_method=_METHODS,
    dependencies=_DEPENDENCIES,
    responses=_STATUSES,
    sync_to_thread=True,
    answer=_ANSWER,
)
def get_content(
    request: Request[Any, Any, Any], home: Home, published: Published, cid: CidPath, wanted: Asked
) -> Response[Any]:
    """A trustless gateway: one block (application/vnd.ipld.raw) or a DAG's CAR (application/vnd.ipld.car).

    It serves only what this registry has published. Blocks are verified before they are sent.
    """
    return _answer(request, home, published, cid, "", wanted)


@route(
    "/ipfs/{cid:str}/{path:path}",
    http_method=_METHODS,
    dependencies=_DEPENDENCIES,
    responses=_STATUSES,
    sync_to_thread=True,
    answer=_ANSWER,
)
def get_content_below(
    request: Request[Any, Any, Any], home: Home, published: Published, cid: CidPath, path: PathText, wanted: Asked
) -> Response[Any]:
    """The same for what a path below a directory names; a CAR holds the blocks on the way too."""
    return _answer(request, home, published, cid, path, wanted)


def _answer(
    request: Request[Any, Any, Any], home: Parts, published: Public, cid: str, path: str, wanted: Wanted
) -> Response[Any]:
    if request.headers.get("service-worker", "").lower() == "script":
        raise HttpProblem(400, "this gateway gives blocks, not scripts for service workers")
    way = _find(request, home, published, cid, path)
    headers = _headers(cid, path, way, wanted)
    if wanted.form.kind == "raw":
        return _send_block(request, home, way, wanted, headers)
    return _send_car(request, published, way, wanted, headers)


def _find(request: Request[Any, Any, Any], home: Parts, published: Public, cid: str, path: str) -> Way:
    """The way to what the path names. 412 for a root that is not here, if only what is cached was asked for."""
    root = given(cid)
    directives = request.headers.get("cache-control", "").lower().split(",")
    if "only-if-cached" in {directive.strip() for directive in directives}:
        try:
            published.check(root)
        except NotFound as error:
            raise HttpProblem(412, f"{error}", code="not_cached") from error
        if not home.store.has(root):
            raise HttpProblem(412, f"{root} is not held here", code="not_cached")
    way = gateway_path.find(home.store, root, path, published.check)
    if not home.store.has(way.target):
        raise NotFound(f"block {way.target} is published but not held here", hint="ask another gateway.")
    return way


def _headers(cid: str, path: str, way: Way, wanted: Wanted) -> dict[str, str]:
    """What both forms' answers say of themselves."""
    address = quote(f"/ipfs/{cid}" + (f"/{path.strip('/')}" if path.strip("/") else ""), safe=_SAFE)
    found = {"X-Ipfs-Path": address, "Vary": "Accept"}
    if len(way.roots) <= MAX_ROOTS:
        found["X-Ipfs-Roots"] = ",".join(map(str, way.roots))
    if not wanted.form.in_address:  # so that a cache that knows only addresses can tell the forms apart
        found["Content-Location"] = f"{address}?{urlencode(wanted.query)}"
    return found


def _send_block(
    request: Request[Any, Any, Any], home: Parts, way: Way, wanted: Wanted, headers: dict[str, str]
) -> Response[Any]:
    block = home.store.get(way.target)
    seen.keep(request, seen.WITHHELD)
    return ranges.send(
        block,
        len(block),
        etag=f"{way.target}.raw",
        media_type=wanted.form.media_type,
        name=wanted.filename or f"{way.target}.bin",
        request_headers={name: request.headers.get(name) for name in ranges.HEADERS},
        head=request.method == "HEAD",
        more=headers,
    )


def _send_car(
    request: Request[Any, Any, Any], published: Public, way: Way, wanted: Wanted, headers: dict[str, str]
) -> Response[Any]:
    """A CAR is streamed: no length, no ranges; its ETag is weak, since what is withdrawn is left out of it. So whoever
    keeps a copy asks again each time: one block alone is the same for ever."""
    extract = Extract(way, wanted.scope, wanted.entity_bytes, wanted.form.duplicates, published.withheld())
    etag = _car_etag(extract)
    headers = {
        **headers,
        **ranges.immutable_headers(etag, wanted.filename or f"{way.target}.car", weak=True),
        "Accept-Ranges": "none",
    }
    if extract.scope != "block":
        headers["Cache-Control"] = ASK_AGAIN
    if ranges.etag_matches(request.headers.get("if-none-match"), etag):
        return ranges.not_modified(headers)
    body = iter(()) if request.method == "HEAD" else ranges.started(extract.write(published.public_store()))
    return Stream(body, headers=headers, media_type=wanted.form.media_type)


def _car_etag(extract: Extract) -> str:
    """Scope first, then bytes and duplicates where they matter, the target, a digest of the way to it, and one of all
    that is withheld here: a copy from before a withdrawal is never said to be right still."""
    part = extract.entity_bytes
    scope = extract.scope if part is None else f"entity.{part.first}.{'end' if part.last is None else part.last}"
    passed = hashlib.sha256(b"".join(map(bytes, extract.way.passed))).hexdigest()[:16]
    without = f".without-{_digest(extract.withheld)}" if extract.withheld else ""
    return f"{scope}.{'y' if extract.duplicates else 'n'}.{extract.way.target}.{passed}{without}.car"


@lru_cache(maxsize=4)
def _digest(withheld: frozenset[bytes]) -> str:
    return hashlib.sha256(b"".join(sorted(withheld))).hexdigest()[:16]


ROOT_HANDLERS = (get_content, get_content_below)
