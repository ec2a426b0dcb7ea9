"""The .ots format of OpenTimestamps: a tree of operations that leads from a digest to attestations.

Source: python-opentimestamps 0.4, ``core/{timestamp,op,notary,serialize}.py``, which is its specification. A file is
the magic, version 1, the file hash's operation (0x08, sha2-256), the digest, and a timestamp; a timestamp is elements,
each but the last after 0xff; an element is 0x00 and an attestation (tag of 8 bytes, varbytes), or an operation and the
timestamp of its result. Integers are unsigned LEB128.

Invariants: what is read is bounded (depth, size of messages); writing what was read gives a file that means the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from Crypto.Hash import RIPEMD160, keccak

from registry.core.errors import Untrusted

MAGIC = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94" + b"\x01"  # with the version
SHA256 = 0x08
PENDING = bytes.fromhex("83dfe30d2ef90c8e")
BITCOIN = bytes.fromhex("0588960d73d71901")
MAX_DEPTH, MAX_MESSAGE, MAX_PAYLOAD = 256, 4096, 8192
_APPEND, _PREPEND, _REVERSE, _HEXLIFY = 0xF0, 0xF1, 0xF2, 0xF3
_OF_ONE: dict[int, Callable[[bytes], bytes]] = {
    0x02: lambda message: hashlib.sha1(message, usedforsecurity=False).digest(),
    0x03: lambda message: RIPEMD160.new(message).digest(),
    SHA256: lambda message: hashlib.sha256(message).digest(),
    0x67: lambda message: keccak.new(digest_bits=256, data=message).digest(),
    _REVERSE: lambda message: message[::-1],
    _HEXLIFY: lambda message: message.hex().encode(),
}


@dataclass(frozen=True)
class Attestation:
    """Who says that a message was there: its tag says which kind."""

    tag: bytes
    payload: bytes

    @property
    def height(self) -> int | None:
        """The height of Bitcoin's block, if it is of that kind."""
        return _Reader(self.payload).number(last=True) if self.tag == BITCOIN else None

    @property
    def calendar(self) -> str | None:
        """The address of the calendar that promised, if it is of that kind."""
        if self.tag != PENDING:
            return None
        reader = _Reader(self.payload)
        return reader.sized(1000, last=True).decode("ascii", errors="replace")


@dataclass
class Timestamp:
    """A message, what attests it, and what is made of it."""

    message: bytes
    attestations: list[Attestation] = field(default_factory=list)
    made: list[tuple[bytes, Timestamp]] = field(default_factory=list)  # operation with its argument as written

    def all(self) -> Iterator[tuple[Timestamp, Attestation]]:
        """Every attestation in the tree, with the node that it attests."""
        for one in self.attestations:
            yield self, one
        for _, below in self.made:
            yield from below.all()

    def add(self, other: Timestamp) -> None:
        """All that another timestamp of the same message says."""
        self.attestations += [one for one in other.attestations if one not in self.attestations]
        for operation, below in other.made:
            mine = next((mine for said, mine in self.made if said == operation), None)
            if mine is None:
                self.made.append((operation, below))
            else:
                mine.add(below)

    def encode(self) -> bytes:
        """As it is written."""
        parts = [b"\x00" + one.tag + _sized(one.payload) for one in self.attestations]
        parts += [operation + below.encode() for operation, below in self.made]
        return b"\xff".join([b"", *parts[:-1]]) + parts[-1] if len(parts) > 1 else parts[0]


def file_of(timestamp: Timestamp) -> bytes:
    """A detached .ots file for a sha2-256 digest."""
    return MAGIC + bytes([SHA256]) + timestamp.message + timestamp.encode()


def read_file(data: bytes) -> Timestamp:
    """The timestamp of a detached file. ``Untrusted`` (``bad_proof``) where these bytes are none."""
    if not data.startswith(MAGIC + bytes([SHA256])):
        raise bad("these bytes are no .ots file of a sha2-256 digest")
    start = len(MAGIC) + 1
    return read_timestamp(data[start + 32 :], data[start : start + 32])


def read_timestamp(data: bytes, message: bytes) -> Timestamp:
    """A timestamp of a message. ``Untrusted`` (``bad_proof``) where these bytes are none."""
    reader = _Reader(data)
    found = reader.timestamp(message, MAX_DEPTH)
    reader.end()
    return found


def bad(why: str) -> Untrusted:
    """For whatever is no proof."""
    return Untrusted(f"OpenTimestamps: {why}", code="bad_proof")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        found = self._data[self._at : self._at + size]
        if len(found) < size:
            raise bad("the proof is cut off")
        self._at += size
        return found

    def end(self) -> None:
        if self._at != len(self._data):
            raise bad("the proof has bytes behind its end")

    def number(self, *, last: bool = False) -> int:
        value = 0
        for shift in range(0, 63, 7):
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if last:
                    self.end()
                return value
        raise bad("a number is too large")

    def sized(self, most: int, *, last: bool = False) -> bytes:
        size = self.number()
        if size > most:
            raise bad("an argument is too large")
        found = self.take(size)
        if last:
            self.end()
        return found

    def timestamp(self, message: bytes, depth: int) -> Timestamp:
        if not depth:
            raise bad("the proof is too deep")
        found = Timestamp(message)
        while True:
            (tag,) = self.take(1)
            more = tag == 0xFF
            if more:
                (tag,) = self.take(1)
            if tag == 0:
                found.attestations.append(Attestation(self.take(8), self.sized(MAX_PAYLOAD)))
            else:
                found.made.append(self._made(tag, message, depth))
            if not more:
                return found

    def _made(self, tag: int, message: bytes, depth: int) -> tuple[bytes, Timestamp]:
        operation = bytes([tag])
        if tag in (_APPEND, _PREPEND):
            argument = self.sized(MAX_MESSAGE)
            operation += _sized(argument)
            result = message + argument if tag == _APPEND else argument + message
        elif tag in _OF_ONE:
            result = _OF_ONE[tag](message)
        else:
            raise bad(f"operation {tag:#04x} is unknown")
        if not result or len(result) > MAX_MESSAGE:
            raise bad("a message has a wrong size")
        return operation, self.timestamp(result, depth - 1)


def _sized(data: bytes) -> bytes:
    return number_bytes(len(data)) + data


def number_bytes(value: int) -> bytes:
    """Unsigned LEB128."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
