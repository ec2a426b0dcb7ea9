"""Addresses of bytes: send a CAR of blocks; the trustless gateway at /ipfs.

Invariants: a CAR is taken whole or not at all, every block hashed, its size bounded while it comes in.
The gateway gives blocks and CARs, which whoever asks can verify, and nothing else: no web page that
somebody put into the store is ever shown as ours. What it gives is decided by ``registry.api.public``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from itertools import chain
from typing import Annotated, Any, BinaryIO, Literal, cast

from anyio import CapacityLimiter, to_thread
from litestar import HttpMethod, Request, Response, post, route
from litestar.params import PathParameter, QueryParameter
from litestar.response import Stream

from registry.api import ranges
from registry.api.auth import needs
from registry.api.parts import Document, Home, Published, cid_of, problems
from registry.api.problems import HttpProblem
from registry.api.public import Public
from registry.api.wire import CAR_BYTES, CAR_TYPE, MAX_BLOCKS, CidPath
from registry.content import reader
from registry.content.car_import import Limits, import_car
from registry.core import car
from registry.core.cid import CID, RAW
from registry.core.dag import walk_closure
from registry.core.errors import InvalidInput, NotFound
from registry.core.varint import encode_varint
from registry.workflows.parts import Parts

RAW_TYPE = "application/vnd.ipld.raw"
_SPOOL = 8 << 20  # what of a CAR is kept in memory
UPLOADS = 4  # CARs at once, each of which may take CAR_BYTES of disk twice
Form = Annotated[str | None, QueryParameter(name="format", max_length=20, description="raw or car; else by Accept")]
PathText = Annotated[str, PathParameter(max_length=4096)]
Scope = Annotated[
    Literal["all", "entity", "block"], QueryParameter(name="dag-scope", description="how much of the DAG a CAR holds")
]


@post(
    "/blocks",
    status_code=200,
    guards=[needs("images:write")],
    request_max_body_size=CAR_BYTES,
    responses=problems(413, 415, 422, scoped=True),
)
async def add_blocks(request: Request[Any, Any, Any], home: Home) -> Document:
    """Send a CAR (application/vnd.ipld.car): all blocks below its roots, kept whole or not at all.

    The roots are kept from garbage collection. Nothing becomes public by being sent: register an image
    by POST /images and its bytes are given out, the rest of the CAR is not.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != CAR_TYPE:
        raise HttpProblem(415, f"send a CAR, with `Content-Type: {CAR_TYPE}`")
    limiter: CapacityLimiter = request.app.state.uploads
    if limiter.available_tokens < 1:
        raise HttpProblem(503, "other CARs are coming in: try again in a moment", headers={"Retry-After": "10"})
    async with limiter:
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as spool:
            async for chunk in request.stream():
                await to_thread.run_sync(spool.write, chunk)
            spool.seek(0)
            return await to_thread.run_sync(_import, home, cast(BinaryIO, spool))


def _import(parts: Parts, stream: BinaryIO) -> Document:
    roots = import_car(parts.store, stream, Limits(CAR_BYTES, MAX_BLOCKS))
    if not roots:
        raise InvalidInput("this CAR names no root: export it again with one", code="car_without_root")
    for root in roots:
        parts.store.pin(root)
    return {"roots": [str(root) for root in roots], "blocks": _count(stream)}


def _count(stream: BinaryIO) -> int:
    stream.seek(0)
    car.read_header(stream)
    return sum(1 for _ in car.read_sections(stream))


@route(
    "/ipfs/{cid:str}",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    responses=problems(404, 406, 410),
    sync_to_thread=True,
)
def get_content(
    request: Request[Any, Any, Any],
    home: Home,
    published: Published,
    cid: CidPath,
    form: Form = None,
    extent: Scope = "all",
) -> Response[Any]:
    """A trustless gateway: one block (application/vnd.ipld.raw) or a DAG's CAR (application/vnd.ipld.car).

    Only over what this registry has published; blocks are verified before they are sent.
    """
    return _answer(request, home, published, cid, "", form, extent)


@route(
    "/ipfs/{cid:str}/{path:path}",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    responses=problems(404, 406, 410),
    sync_to_thread=True,
)
def get_content_below(
    request: Request[Any, Any, Any],
    home: Home,
    published: Published,
    cid: CidPath,
    path: PathText,
    form: Form = None,
    extent: Scope = "all",
) -> Response[Any]:
    """The same for what a path below a directory names; a CAR holds the blocks on the way too."""
    return _answer(request, home, published, cid, path, form, extent)


def _answer(
    request: Request[Any, Any, Any],
    home: Parts,
    published: Public,
    cid: str,
    path: str,
    form: str | None,
    extent: str,
) -> Response[Any]:
    kind = _kind(form, request.headers.get("accept", ""))
    way = _way(home, published, cid_of(cid), path)
    target, etag = way[-1], f"{way[-1]}.{kind}" + ("" if kind == "raw" else f".{extent}.{len(way)}")
    headers = {
        **ranges.immutable_headers(etag, f"{target}.{'bin' if kind == 'raw' else 'car'}"),
        "X-Ipfs-Roots": ",".join(map(str, way)),
        "Vary": "Accept",
    }
    if ranges.etag_matches(request.headers.get("if-none-match"), etag):
        return ranges.not_modified(headers)
    if kind == "raw":
        return Response(home.store.get(target), headers=headers, media_type=RAW_TYPE)
    body = iter(()) if request.method == "HEAD" else ranges.started(_car(home, published, way, extent))
    return Stream(body, headers=headers, media_type=f"{CAR_TYPE}; version=1; order=dfs; dups=n")


def _kind(form: str | None, accept: str) -> str:
    """``raw`` or ``car``. ``HttpProblem`` 406 unless one of them is asked for by name."""
    if form in {"raw", "car"}:
        return str(form)
    for wanted in accept.split(",") if form is None else ():
        name, *parameters = (part.strip().lower() for part in wanted.split(";"))
        if name == RAW_TYPE:
            return "raw"
        if name == CAR_TYPE and all(part in {"version=1", "order=dfs", "order=unk", "dups=n"} for part in parameters):
            return "car"
    raise HttpProblem(406, "this gateway gives what you can verify: ask with ?format=raw or ?format=car")


def _way(parts: Parts, published: Public, root: CID, path: str) -> list[CID]:
    """The root and every CID on the way to what the path names, each of them published."""
    published.check(root)
    way = [root]
    for name in (part for part in path.split("/") if part):
        try:
            way.append(reader.resolve(parts.store, way[-1], name))
        except InvalidInput as error:
            raise NotFound(f"{way[-1]} has no {name[:100]!r} that can be walked to: {error}") from error
        published.check(way[-1])
    return way


def _car(parts: Parts, published: Public, way: Sequence[CID], scope: str) -> Iterator[bytes]:
    """A CAR of the way's blocks and, as far as ``scope`` says, what hangs below its end.

    Before the first byte it is made sure that all of it is held; the first piece has the first block in it.
    """

    def withheld(cid: CID) -> bool:
        return cid.multihash in published.withheld

    target = way[-1]
    if scope == "block" or (scope == "entity" and reader.is_directory(parts.store, target)):
        below = iter([(target, parts.store.get(target))])
    else:
        _check_held(parts, target, withheld)
        below = walk_closure(parts.store.get, [target], withheld)
    head = BytesIO()
    car.write([target], [], head)
    piece = head.getvalue()
    for cid, data in chain(((cid, parts.store.get(cid)) for cid in dict.fromkeys(way[:-1])), below):
        name = bytes(cid)
        yield piece + encode_varint(len(name) + len(data)) + name + data
        piece = b""
    if piece:
        yield piece


def _check_held(parts: Parts, root: CID, leave_out: Callable[[CID], bool]) -> None:
    """``NotFound`` names a block below ``root`` that is not here; leaves are not read."""

    def present(cid: CID) -> bytes:
        if cid.codec != RAW:
            return parts.store.get(cid)
        if not parts.store.has(cid):
            raise NotFound(f"block {cid} is published but not held here: ask another gateway")
        return b""

    for _ in walk_closure(present, [root], leave_out):
        pass


HANDLERS = (add_blocks,)
ROOT_HANDLERS = (get_content, get_content_below)
