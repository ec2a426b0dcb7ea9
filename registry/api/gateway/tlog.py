"""This registry's log as a tiled transparency log (C2SP tlog-tiles) below ``/log/ISSUER``, and its witness
(tlog-witness) below ``/witness``.

Invariants: a tile is given out only where the newest checkpoint covers it, and never changes. The witness cosigns for
the issuers alone that EMOTIONET_WITNESS_LOGS names; of any other log it knows nothing (404).
"""

from __future__ import annotations

from typing import Annotated, Any

from anyio import to_thread
from litestar import MediaType, Request, Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import PathParameter

from registry.api.answers.parts import Bytes
from registry.api.bodies import pieces
from registry.api.common import MEANING, Home, problems
from registry.api.gateway import ranges
from registry.api.problems import HttpProblem
from registry.core.errors import EmotionetError, InvalidInput, NotFound
from registry.core.issuers import read_issuer
from registry.core.tlog import issuer_log
from registry.core.tlog.checkpoint import read_text
from registry.core.tlog.issuer_log import PREFIX, Signed
from registry.core.tlog.proof import read_add_checkpoint
from registry.core.tlog.tiles import read_tile
from registry.provenance.witnessing.state import OldSize
from registry.workflows.log.checkpoints import kept, newest, tile_of
from registry.workflows.log.witnesses import signed_in_force, witness_of
from registry.workflows.parts import Parts

_MOST_BYTES = 64 << 10
_SIZE_TYPE = "text/x.tlog.size"
_FRESH = {"Cache-Control": "public, max-age=5"}
IssuerPath = Annotated[str, PathParameter(min_length=1, max_length=100, description="an issuer's DID, or its address")]
TilePath = Annotated[str, PathParameter(max_length=100, description="as tlog-tiles names tiles: L/N or L/N.p/W")]
OriginPath = Annotated[str, PathParameter(min_length=64, max_length=64, description="sha-256 of the origin, in hex")]
_TEXT = Bytes(("text/plain",), cached=False)


def _signed(parts: Parts, issuer: str) -> Signed:
    """The newest checkpoint. Where nobody is asked to cosign, one of all entries; else the one that was published."""
    if issuer == parts.key.did and not parts.settings.witnesses:
        return newest(parts, parts.key)
    found = kept(parts, issuer)
    if found is None:
        raise NotFound(f"this registry signs no log of {issuer}", hint="check the issuer.")
    return found


def _log(issuer: str) -> str:
    issuer = read_issuer(issuer)
    try:
        return issuer_log.issuer_of(PREFIX + issuer)
    except EmotionetError as error:
        raise NotFound(f"{issuer[:80]!r} is not an issuer", hint="check the address.") from error


@get(
    "/log/{issuer:str}/checkpoint",
    media_type=MediaType.TEXT,
    responses=problems(404, 409),
    sync_to_thread=True,
    answer=_TEXT,
)
def get_checkpoint(home: Home, issuer: IssuerPath) -> Response[str]:
    """The newest checkpoint of this registry's log: a signed note (C2SP tlog-checkpoint)."""
    return Response(str(_signed(home, _log(issuer)).note), media_type=MediaType.TEXT, headers=_FRESH)


@get(
    "/log/{issuer:str}/tile/{path:path}",
    media_type="application/octet-stream",
    responses=problems(404, 409, 422),
    sync_to_thread=True,
    answer=Bytes(("application/octet-stream",), cached=False),
)
def get_tile(home: Home, issuer: IssuerPath, path: TilePath) -> Response[bytes]:
    """A tile of the log's tree, or a bundle of its entries' CIDs (C2SP tlog-tiles)."""
    data = tile_of(home, _log(issuer), read_tile(path.removeprefix("/")))
    headers = {"Cache-Control": ranges.IMMUTABLE}
    return Response(data, media_type="application/octet-stream", headers=headers)


@get(
    "/witness/{origin:str}/checkpoint",
    media_type=MediaType.TEXT,
    responses=problems(404),
    sync_to_thread=True,
    answer=_TEXT,
)
def get_cosigned(home: Home, origin: OriginPath) -> Response[str]:
    """The newest checkpoint of a log that this registry cosigned (C2SP tlog-witness)."""
    found = witness_of(home).latest_by_hash(origin)
    if found is None:
        raise NotFound("this witness has cosigned no such log", hint="check the origin.")
    return Response(str(found), media_type=MediaType.TEXT, headers=_FRESH)


@post(
    "/witness/add-checkpoint",
    status_code=200,
    media_type=MediaType.TEXT,
    request_max_body_size=_MOST_BYTES,
    responses={
        **problems(403, 404, 408, 413, 415, 422),
        409: ResponseSpec(str, description=MEANING[409], media_type=_SIZE_TYPE, generate_examples=False),
    },
    answer=_TEXT,
)
async def add_checkpoint(request: Request[Any, Any, Any], home: Home) -> Response[str]:
    """Ask for a cosignature of a checkpoint (C2SP tlog-witness): a consistency proof from the one that was cosigned
    last, and the checkpoint. 409 says the size from which a proof is wanted."""
    data = b"".join([piece async for piece in pieces(request)])
    return await to_thread.run_sync(_cosigned, home, data)


def _cosigned(parts: Parts, data: bytes) -> Response[str]:
    try:
        request = read_add_checkpoint(data)
    except EmotionetError as error:
        raise HttpProblem(400, str(error), code=error.code) from error
    wanted = parts.settings.witness_logs
    origin = read_text(request.note.text).origin
    if "any" not in wanted and origin not in {issuer_log.origin_of(read_issuer(one)) for one in wanted}:
        raise NotFound("this witness does not know that log", hint="ask its operator to name the issuer.")
    try:
        signed = signed_in_force(parts, request.note)
    except EmotionetError as error:
        raise HttpProblem(403, str(error), code=error.code) from error
    try:
        line = witness_of(parts).cosign(signed, request.old, request.hashes)
    except OldSize as error:
        return Response(f"{error.size}\n", status_code=409, media_type=_SIZE_TYPE)
    except InvalidInput as error:
        raise HttpProblem(400, str(error), code=error.code) from error
    return Response(str(line), media_type=MediaType.TEXT)


HANDLERS = (get_checkpoint, get_tile, get_cosigned, add_checkpoint)
