"""CAR files: a header with roots, then blocks, each with its CID. Written as version 1; version 2 is read too.

To read one, call ``read`` (verified blocks) or ``read_raw`` (every section as it is): both take version 1 and 2.
A file is known by its bytes (``is_car``), never by its name.

Invariants: a block that comes out of ``read`` was hashed and agreed with its CID; sizes are bounded
before anything is read; a file that ends inside a section is ``Untrusted`` (``car_truncated``), never a
short answer; zeros behind the last section are padding, anything behind such zeros is ``malformed_car``.
``write`` gives the same bytes for the same blocks in the same order.

Sources: the CARv1 and CARv2 specifications (ipld.io/specs/transport/car).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from registry.core.errors import InvalidInput, Untrusted
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, MAX_BLOCK, verify
from registry.core.ipld.varint import decode_varint, encode_varint
from registry.core.picture_bytes import what_it_is

MAX_HEADER = 1 << 20
MAX_SECTION = MAX_BLOCK + 256
PRAGMA_V2 = bytes.fromhex("0aa16776657273696f6e02")
_V2_HEADER = 40  # characteristics, then offset and size of the data and offset of the index, eight bytes each
_SKIP = 1 << 20
PIECE = 256 << 10  # blocks are gathered to pieces of about this many bytes
_SAMPLE = 512  # bytes that say what else it is
MAX_OFFSET = 1 << 30  # nobody pads more than that


def _bad(reason: str) -> InvalidInput:
    return InvalidInput(f"not a CAR file: {reason}", code="malformed_car")


def is_car(head: bytes) -> bool:
    """Whether a file that begins so (its first 64 bytes, or all of a shorter one that was cut off behind the byte that
    says what follows) is a CAR of version 1 or 2; what is in it is checked later."""
    if head.startswith(PRAGMA_V2):
        return True
    try:
        length, at = decode_varint(head[:9], 0)
    except InvalidInput:
        return False
    keys = (b"\x65roots", b"\x67version")  # of a map of one or two
    begins = head[at + 1 : at + 1 + 8]
    named = any(begins.startswith(key) or key.startswith(begins) for key in keys)
    return 0 < length <= MAX_HEADER and head[at : at + 1] in (b"\xa1", b"\xa2") and named


def _refuse_others(head: bytes) -> None:
    """``InvalidInput`` (``malformed_car``) that says what the file is, where it is something known and no CAR."""
    if what_it_is(head) is not None and not is_car(head):
        raise InvalidInput(f"not a CAR file, but {other_kind(head)}", code="malformed_car")


def other_kind(head: bytes) -> str:
    """What a file that is no CAR is, for a sentence."""
    kind = what_it_is(head)
    if kind == "an HTML page":
        return "an HTML page: the gateway's error?"
    return kind or "of no kind that is known here"


def _cut() -> Untrusted:
    return Untrusted("the CAR file is cut off", code="car_truncated", hint="get it again.")


def _length(stream: IO[bytes], limit: int) -> int | None:
    """The varint that begins a section; None at the end of the file."""
    raw = b""
    while True:
        byte = stream.read(1)
        if not byte:
            if raw:
                raise _cut()
            return None
        raw += byte
        if byte[0] < 0x80:
            break
        if len(raw) > 8:
            raise _bad("a section's length is too long")
    length, _ = decode_varint(raw, 0)
    if length > limit:
        raise _bad(f"a section of {length} bytes is larger than {limit}")
    return length


def _exactly(stream: IO[bytes], length: int) -> bytes:
    pieces, left = [], length
    while left:
        piece = stream.read(left)
        if not piece:
            raise _cut()
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


class _Within(io.RawIOBase):
    """A stream that begins with ``head`` and ends after ``left`` bytes (None: with the stream)."""

    def __init__(self, stream: IO[bytes], head: bytes, left: int | None) -> None:
        self._stream, self._head, self._left = stream, head, left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        wanted = len(buffer) if self._left is None else min(len(buffer), self._left)
        data, self._head = self._head[:wanted], self._head[wanted:]
        if not data and wanted:
            data = self._stream.read(wanted)
        buffer[: len(data)] = data
        if self._left is not None:
            self._left -= len(data)
        return len(data)


def unwrap(stream: IO[bytes]) -> IO[bytes]:
    """The version 1 file that a version 2 file holds; any other stream as it is, from its beginning.

    ``InvalidInput`` (``malformed_car``) for a header that can't be right, and for what is known to be something else
    ("an HTML page"). The index is not read: it is a hint.
    """
    begin = stream.read(len(PRAGMA_V2))
    if begin != PRAGMA_V2:
        begin += stream.read(_SAMPLE)
        _refuse_others(begin)
        return io.BufferedReader(_Within(stream, begin, None), _SKIP)
    header = _exactly(stream, _V2_HEADER)
    offset, size, _ = (int.from_bytes(header[at : at + 8], "little") for at in (16, 24, 32))
    passed = len(PRAGMA_V2) + _V2_HEADER
    if offset < passed or offset > MAX_OFFSET or size == 0:
        raise _bad("its version 2 header names no data")
    while passed < offset:
        passed += len(_exactly(stream, min(_SKIP, offset - passed)))
    return io.BufferedReader(_Within(stream, b"", size), _SKIP)


def read_header(stream: IO[bytes]) -> tuple[CID, ...]:
    """The roots, which are hints: whether they are there is the reader's to check."""
    length = _length(stream, MAX_HEADER)
    if not length:
        raise _bad("it is empty")
    header = encoding.decode(_exactly(stream, length))
    if not isinstance(header, dict) or header.get("version") != 1:
        raise _bad("its version is not 1")
    roots = header.get("roots", [])
    if not isinstance(roots, list) or not all(isinstance(root, CID) for root in roots):
        raise _bad("its roots are no list of CIDs")
    return tuple(roots)


def read_sections(stream: IO[bytes]) -> Iterator[tuple[CID, bytes]]:
    """CID and bytes of each section, NOT verified: for who wants to name every damaged block."""
    while length := _length(stream, MAX_SECTION):
        section = _exactly(stream, length)
        cid, end = CID.read(section, 0)
        yield cid, section[end:]
    if length == 0:
        _only_zeros(stream)


def _only_zeros(stream: IO[bytes]) -> None:
    """To the end of a file that was padded. ``InvalidInput`` if anything else stands there."""
    while piece := stream.read(_SKIP):
        if piece.count(0) != len(piece):
            raise _bad("an empty section stands before others")


def read_blocks(stream: IO[bytes]) -> Iterator[tuple[CID, bytes]]:
    """Verified blocks in the order of the file. ``Untrusted`` (``hash_mismatch``) names a damaged one."""
    for cid, data in read_sections(stream):
        verify(cid, data)
        yield cid, data


def read(stream: IO[bytes]) -> tuple[tuple[CID, ...], Iterator[tuple[CID, bytes]]]:
    """The roots, and an iterator of verified blocks, of a file of either version."""
    source = unwrap(stream)
    return read_header(source), read_blocks(source)


def read_raw(stream: IO[bytes]) -> tuple[tuple[CID, ...], Iterator[tuple[CID, bytes]]]:
    """The same with every section as it stands, NOT verified."""
    source = unwrap(stream)
    return read_header(source), read_sections(source)


def write(roots: Sequence[CID], blocks: Iterable[tuple[CID, bytes]], stream: IO[bytes]) -> int:
    """Write a CAR; returns its number of blocks."""
    header = encoding.encode({"roots": list(roots), "version": 1})
    stream.write(encode_varint(len(header)) + header)
    count = 0
    for cid, data in blocks:
        name = bytes(cid)
        stream.write(encode_varint(len(name) + len(data)) + name)
        stream.write(data)
        count += 1
    return count


def pieces(roots: Sequence[CID], blocks: Iterable[tuple[CID, bytes]]) -> Iterator[bytes]:
    """The same bytes as ``write``, as pieces of about PIECE bytes."""
    head = io.BytesIO()
    write(roots, [], head)
    piece = bytearray(head.getvalue())
    for cid, block in blocks:
        name = bytes(cid)
        piece += encode_varint(len(name) + len(block)) + name + block
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)
