"""Fetch one image that somebody named by its CID, and say why it can't be had.

Invariants: nothing is believed: every block is hashed, and the whole is a file that begins as a picture does. What it
may cost is bounded in bytes, blocks and time. Its blocks stay in memory until then: nothing of a refused one is kept.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from registry.content.sources.fetch import Limits, fetch
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs import reader
from registry.core.errors import EmotionetError, InvalidInput, NotFound, Unavailable, Untrusted
from registry.core.ipld.cid import CID, RAW
from registry.core.picture_bytes import HEAD, begins_as_picture
from registry.core.ports.store import BlockReader
from registry.imaging.inspect_image import Picture, inspect_image

MAX_BYTES = 64 << 20
SECONDS = 300.0  # for one image
_LIMITS = Limits(bytes=MAX_BYTES + (1 << 20), blocks=1000, links=4000, depth=64)
REASONS = {  # by code; none names a gateway, whose address may hold a secret
    "not_found": "none of this registry's gateways has it",
    "wrong_bytes": "a gateway gave bytes that are not those of its CID",
    "unavailable": "no gateway could be reached, or none answered in time",
    "no_source": "this registry has no gateway to ask",
    "is_directory": "it is a directory, not a file",
    "not_a_file": "it is no file",
    "not_an_image": "its bytes do not begin as a picture's do",
    "too_large": "it is larger than 64 MiB, or has more blocks than such a file needs",
    "malformed": "its blocks are no file as IPFS writes them",
    "other_image": "its bytes are not those whose sha256 the record states",
    "withdrawn": "it was withdrawn",
    "reserved": "it says itself that it is not for training or data mining, and no label of this registry says so with "
    "it: label it here, and fetch it again",
    "not_taken": "it came, and could not be kept here",
}
FINAL = frozenset(
    {"is_directory", "not_a_file", "not_an_image", "too_large", "malformed", "other_image", "withdrawn", "reserved"}
)


@dataclass(frozen=True)
class Arrived:
    """An image whose bytes were verified; ``blocks`` are new here."""

    cid: CID
    sha256: bytes
    size: int
    picture: Picture
    blocks: tuple[tuple[CID, bytes], ...]


class _Timely:
    """A source that is asked for no longer than ``SECONDS``."""

    def __init__(self, source: BlockReader) -> None:
        self._source, self._until = source, time.monotonic() + SECONDS

    def has(self, cid: CID) -> bool:
        """As the source."""
        return self._source.has(cid)

    def get(self, cid: CID) -> bytes:
        """As the source, until the time is over."""
        if time.monotonic() > self._until:
            raise Unavailable("this image takes too long")
        return self._source.get(cid)


def fetch_image(source: BlockReader | None, near: BlockReader, cid: CID) -> Arrived | str:
    """The image, or the code (of ``REASONS``) why not. ``near``: what is held here and may be used."""
    try:
        return _checked(near, cid, ())
    except NotFound:
        pass
    except InvalidInput as error:
        return _code(error)
    if source is None:
        return "no_source"
    kept = MemoryStore()
    try:
        root = source.get(cid)
        kept.put(cid, root)
        if cid.codec != RAW:
            if reader.is_directory(kept, cid):
                return "is_directory"
            if reader.file_size(kept, cid) > MAX_BYTES:
                return "too_large"
            fetch(_Timely(source), kept, cid, _LIMITS)
        return _checked(kept, cid, tuple((one, kept.get(one)) for one in kept.cids()))
    except EmotionetError as error:
        return _code(error)


def _checked(store: BlockReader, cid: CID, blocks: tuple[tuple[CID, bytes], ...]) -> Arrived | str:
    if reader.is_directory(store, cid):
        return "is_directory"
    if reader.file_size(store, cid) > MAX_BYTES:
        return "too_large"
    if not begins_as_picture(b"".join(reader.read_file(store, cid, 0, HEAD))):
        return "not_an_image"
    found = reader.measure(store, cid, keep=True)
    return Arrived(cid, found.sha256, found.size, inspect_image(found.data), blocks)


def _code(error: EmotionetError) -> str:
    if isinstance(error, NotFound):
        return "not_found"
    if isinstance(error, Untrusted):
        return "too_large" if error.code == "too_large" else "wrong_bytes"
    if isinstance(error, InvalidInput):
        known = error.code in ("too_large", "not_a_file", "is_directory")
        return error.code if known else "too_large" if error.code == "file_too_large" else "malformed"
    return "unavailable"
