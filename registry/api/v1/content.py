"""Bytes come in: a CAR of blocks. ``registry.api.gateway.gateway`` gives them out.

Invariants: a CAR is taken whole or not at all, every block hashed, its size bounded while it comes in. A client that
falls silent loses its slot (``registry.api.bodies``).
"""

from __future__ import annotations

import base64
import tempfile
from typing import Any, BinaryIO, cast

from anyio import CapacityLimiter, to_thread
from litestar import Request, post
from litestar.params import JSONBody

from registry.api.answers.others import MissingBelow, MissingBlocks, SentBlocks
from registry.api.auth import needs, sends_json
from registry.api.bodies import pieces
from registry.api.common import Document, Home, Published, problems
from registry.api.gateway.public import Public
from registry.api.problems import HttpProblem
from registry.api.v1.wire import CAR_BYTES, CAR_TYPE, MAX_BLOCKS, AskedBlocks
from registry.catalog.queries.sent_roots import remember_sent
from registry.content.car_import import Limits, import_car
from registry.core.errors import InvalidInput
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.workflows.parts import Parts
from registry.workflows.store.missing_blocks import missing_below, missing_of
from registry.workflows.withdrawals.remove_bytes import finish_removals

_SPOOL = 8 << 20  # what of a CAR is kept in memory
UPLOADS = 4  # CARs at once, each of which may take CAR_BYTES of disk twice


@post(
    "/blocks",
    status_code=200,
    guards=[needs("images:write")],
    request_max_body_size=CAR_BYTES,
    responses=problems(408, 413, 415, 422, scoped=True),
    answer=SentBlocks,
)
async def add_blocks(request: Request[Any, Any, Any], home: Home, published: Published) -> Document:
    """Send a CAR (application/vnd.ipld.car): all blocks below its roots, kept whole or not at all.

    The roots are kept from garbage collection. Nothing becomes public by being sent: register an image
    by POST /images and its bytes are given out, the rest of the CAR is not. A body of which no byte comes for 30
    seconds, or that stays below 4 KiB a second, is ended with 408.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != CAR_TYPE:
        raise HttpProblem(415, f"send a CAR, with `Content-Type: {CAR_TYPE}`")
    limiter: CapacityLimiter = request.app.state.uploads
    if limiter.available_tokens < 1:
        raise HttpProblem(503, "other CARs are coming in: try again in a moment", headers={"Retry-After": "10"})
    async with limiter:
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as spool:
            async for chunk in pieces(request):
                await to_thread.run_sync(spool.write, chunk)
            spool.seek(0)
            return await to_thread.run_sync(_import, home, published, cast(BinaryIO, spool), str(request.auth))


def _import(parts: Parts, published: Public, stream: BinaryIO, token: str) -> Document:
    roots = import_car(parts.store, stream, Limits(CAR_BYTES, MAX_BLOCKS), published.hidden())
    if not roots:
        raise InvalidInput("this CAR names no root", code="car_without_root", hint="export it again with one.")
    for root in roots:
        parts.store.pin(root)
    with parts.catalog.write(serial=False) as db:
        remember_sent(db, token, roots)
    finish_removals(parts)
    return {"roots": [str(root) for root in roots], "blocks": _count(stream)}


def _count(stream: BinaryIO) -> int:
    stream.seek(0)
    return sum(1 for _ in car.read_raw(stream)[1])


@post(
    "/blocks/missing",
    status_code=200,
    guards=[needs("images:write"), sends_json],
    responses=problems(409, 415, 422, scoped=True),
    sync_to_thread=True,
    answer=(MissingBlocks, MissingBelow),
)
def missing_blocks(
    request: Request[Any, Any, Any], home: Home, published: Published, data: JSONBody[AskedBlocks]
) -> Document:
    """Which blocks have to be sent, asked before a CAR is.

    Of `cids`: `missing`, and `withdrawn`, which must not be sent; what is in neither is here, down to its last block.
    Of a `root` whose links are known here: `blocks`, how many it reaches, depth first in the order of links, each
    once, and nothing below one that is missing; `bitmap` (base64, the first block is the lowest bit of the first
    byte) has a 1 for each that is missing. A `bitmap` in the question asks for those blocks alone that have a 1 in
    it. Here means: published, or sent with this token. What is held but neither is told to be missing.
    """
    data.check()
    if data.root is None:
        answer = missing_of(home, request.auth, [CID.parse(text) for text in data.cids or ()])
        return {"missing": list(map(str, answer.missing)), "withdrawn": list(map(str, answer.withdrawn))}
    found = missing_below(home, request.auth, CID.parse(data.root), lambda: published.hidden() | published.withheld())
    asked = data.asked_bits(len(found))
    bits = [is_missing and wanted for is_missing, wanted in zip(found, asked, strict=True)]
    return {"root": data.root, "blocks": len(found), "missing": sum(bits), "bitmap": _packed(bits)}


def _packed(bits: list[bool]) -> str:
    packed = bytearray(-(-len(bits) // 8))
    for at, bit in enumerate(bits):
        packed[at >> 3] |= bit << (at & 7)
    return base64.b64encode(packed).decode()


HANDLERS = (add_blocks, missing_blocks)
