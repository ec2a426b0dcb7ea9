"""Bytes come in: a CAR of blocks. ``registry.api.gateway.gateway`` gives them out.

Invariants: a CAR is taken whole or not at all, every block hashed, its size bounded while it comes in.
"""

from __future__ import annotations

import tempfile
from typing import Any, BinaryIO, cast

from anyio import CapacityLimiter, to_thread
from litestar import Request, post

from registry.api.auth import needs
from registry.api.common import Document, Home, Published, problems
from registry.api.gateway.public import Public
from registry.api.problems import HttpProblem
from registry.api.v1.wire import CAR_BYTES, CAR_TYPE, MAX_BLOCKS
from registry.content.car_import import Limits, import_car
from registry.core.errors import InvalidInput
from registry.core.ipld import car
from registry.workflows.parts import Parts

_SPOOL = 8 << 20  # what of a CAR is kept in memory
UPLOADS = 4  # CARs at once, each of which may take CAR_BYTES of disk twice


@post(
    "/blocks",
    status_code=200,
    guards=[needs("images:write")],
    request_max_body_size=CAR_BYTES,
    responses=problems(413, 415, 422, scoped=True),
)
async def add_blocks(request: Request[Any, Any, Any], home: Home, published: Published) -> Document:
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
            return await to_thread.run_sync(_import, home, published, cast(BinaryIO, spool))


def _import(parts: Parts, published: Public, stream: BinaryIO) -> Document:
    roots = import_car(parts.store, stream, Limits(CAR_BYTES, MAX_BLOCKS), published.hidden())
    if not roots:
        raise InvalidInput("this CAR names no root", code="car_without_root", hint="export it again with one.")
    for root in roots:
        parts.store.pin(root)
    return {"roots": [str(root) for root in roots], "blocks": _count(stream)}


def _count(stream: BinaryIO) -> int:
    stream.seek(0)
    return sum(1 for _ in car.read_raw(stream)[1])


HANDLERS = (add_blocks,)
