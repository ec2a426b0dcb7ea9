"""Logs and witnesses of others over HTTP: a log's checkpoint and tiles (tlog-tiles), a witness's add-checkpoint.

Invariants: every answer is bounded in bytes and in seconds; redirects are not followed; what comes is returned only
after it verified (a log's leaves against its checkpoint's root, a cosignature against the witness's key). ``Untrusted``
is a lie, ``Unavailable`` a service that is silent, broken, or says no.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx

from registry.core.errors import InvalidInput, Unavailable, Untrusted
from registry.core.tlog import checkpoint, issuer_log, merkle, note, tiles
from registry.core.tlog.issuer_log import Signed
from registry.core.tlog.note import Note, Signature
from registry.core.tlog.proof import AddCheckpoint
from registry.provenance.witnessing.trusted import WitnessAt

MOST_ENTRIES = 1 << 20  # of a log that is read whole: 32 MiB of hashes
_MOST_BYTES = 64 << 10  # of an answer: a checkpoint, a full tile, cosignatures
_TIMEOUT = httpx.Timeout(10.0)
_WHOLE = 30.0  # seconds for one answer, however slowly it drips
_OK, _CONFLICT = 200, 409


def _ask(method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
    until = time.monotonic() + _WHOLE
    try:
        with (
            httpx.Client(timeout=_TIMEOUT, follow_redirects=False) as client,
            client.stream(method, url, content=body, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            data = b""
            for piece in answer.iter_raw():
                data += piece
                if len(data) > _MOST_BYTES or time.monotonic() > until:
                    raise Unavailable(f"{url} sent too much, or too slowly", hint="try again later.")
            return answer.status_code, data
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        raise Unavailable(
            f"{url} can't be reached: {error or type(error).__name__}", hint="try again later."
        ) from error


def _get(url: str) -> bytes:
    status, data = _ask("GET", url)
    if status != _OK:
        raise Unavailable(f"{url} answered with status {status}", hint="check the address.")
    return data


def read_log(
    prefix: str, get: Callable[[str], bytes] = _get, verified: Callable[[Note], Signed] = issuer_log.verified
) -> tuple[Signed, list[bytes]]:
    """A log's checkpoint and all leaf hashes of its tree, from its URL prefix. ``verified`` says who may sign it.

    ``Untrusted``: ``bad_signature``, ``bad_tile`` where the tiles are not those of the tree that was signed."""
    prefix = prefix.rstrip("/").removesuffix("/checkpoint")
    signed = verified(checkpoint.read(get(f"{prefix}/checkpoint"))[1])
    if signed.checkpoint.size > MOST_ENTRIES:
        raise InvalidInput(f"the log has {signed.checkpoint.size} entries, too many to read", code="too_large")
    leaves: list[bytes] = []
    for tile in tiles.leaf_tiles(signed.checkpoint.size):
        leaves += tiles.hashes_of(tile, get(f"{prefix}/tile/{tile}"))
    if merkle.root(leaves) != signed.checkpoint.root:
        raise Untrusted(f"the tiles of {prefix} are not those of the tree that was signed", code="bad_tile")
    return signed, leaves


def ask_witness(witness: WitnessAt, signed: Signed, leaves: list[bytes]) -> Signature:
    """A witness's cosignature of a checkpoint with these leaves. ``Unavailable``; ``Untrusted`` for one that is not the
    witness's."""
    old = 0
    for _ in range(2):  # the first answer may say from where it wants a proof
        request = AddCheckpoint(old, tuple(merkle.consistency(leaves, old)), signed.note)
        status, data = _ask("POST", f"{witness.url}/add-checkpoint", bytes(request))
        if status != _CONFLICT:
            break
        old = _size(data, witness, len(leaves))
    if status != _OK:
        raise Unavailable(f"the witness {witness.key.name} answered with status {status}: it did not cosign")
    return _its_own(witness, signed, data)


def _size(data: bytes, witness: WitnessAt, most: int) -> int:
    try:
        size = checkpoint.read_number(data.decode("ascii").removesuffix("\n"))
    except (UnicodeDecodeError, InvalidInput):
        size = -1
    if not 0 <= size <= most:
        raise Unavailable(
            f"the witness {witness.key.name} has seen a larger log than this one, or says nothing sensible"
        )
    return size


def _its_own(witness: WitnessAt, signed: Signed, data: bytes) -> Signature:
    key = witness.key
    try:
        lines = note.read_signatures(data.decode())
    except (UnicodeDecodeError, InvalidInput) as error:
        raise Untrusted(f"what {key.name} sent is no cosignature", code="bad_signature") from error
    for line in lines:
        if (line.name, line.id) == (key.name, key.id):
            checkpoint.cosigned_at(Note(signed.note.text, (line,)), key)
            return line
    raise Untrusted(f"what {key.name} sent is not its own cosignature", code="bad_signature")
