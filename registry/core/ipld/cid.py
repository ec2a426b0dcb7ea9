"""Content identifiers: their binary and text forms, and checking bytes against them.

Invariants: a ``CID`` that exists is well formed, its hash is on the allow-list and its digest has
20 to 128 bytes (identity: up to 128); equal CIDs have equal bytes; ``parse(str(c)) == c``. Text is
bounded before it is decoded and every varint is minimal.

Sources: multiformats' CID, multihash and unsigned-varint specifications; the allow-list follows
boxo's ``verifcid`` as far as ``hashlib`` computes it. sha1 is left out: it can be forged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, total_ordering

from registry.core.errors import InvalidInput, Untrusted
from registry.core.ipld import multibase
from registry.core.ipld.varint import decode_varint, encode_varint

RAW, DAG_PB, DAG_CBOR = 0x55, 0x70, 0x71
IDENTITY, SHA2_256 = 0x00, 0x12
MIN_DIGEST, MAX_DIGEST = 20, 128
MAX_TEXT = 512
MAX_BLOCK = 2 << 20  # bytes

_HASHES: dict[int, Callable[[bytes], bytes]] = {
    IDENTITY: lambda data: data,
    0x12: lambda data: hashlib.sha256(data).digest(),
    0x13: lambda data: hashlib.sha512(data).digest(),
    0x14: lambda data: hashlib.sha3_512(data).digest(),
    0x15: lambda data: hashlib.sha3_384(data).digest(),
    0x16: lambda data: hashlib.sha3_256(data).digest(),
    0x17: lambda data: hashlib.sha3_224(data).digest(),
}


def _blake2(code: int) -> Callable[[bytes], bytes] | None:
    """blake2b-160..512 are 0xb214..0xb240, blake2s-160..256 are 0xb254..0xb260, a step a byte."""
    if 0xB214 <= code <= 0xB240:
        return lambda data: hashlib.blake2b(data, digest_size=code - 0xB200).digest()
    if 0xB254 <= code <= 0xB260:
        return lambda data: hashlib.blake2s(data, digest_size=code - 0xB240).digest()
    return None


def hash_function(code: int) -> Callable[[bytes], bytes] | None:
    """The function of a multihash code, None if it is not allowed."""
    return _HASHES.get(code) or _blake2(code)


def _bad(reason: str) -> InvalidInput:
    return InvalidInput(f"not a CID: {reason}", code="invalid_cid")


@total_ordering
@dataclass(frozen=True, slots=True)
class CID:
    """A content identifier. ``version`` 0 or 1, ``codec`` and ``hash_code`` as in multicodec's table."""

    version: int
    codec: int
    hash_code: int
    digest: bytes

    def __post_init__(self) -> None:
        if self.version == 1 and self.hash_code == SHA2_256 and len(self.digest) == 32:
            return  # nearly all are
        function = hash_function(self.hash_code)
        if function is None:
            raise _bad(f"hash function 0x{self.hash_code:x} is not allowed")
        if self.hash_code == IDENTITY:
            if len(self.digest) > MAX_DIGEST:
                raise _bad(f"an identity digest has at most {MAX_DIGEST} bytes")
        elif not MIN_DIGEST <= len(self.digest) <= MAX_DIGEST:
            raise _bad(f"a digest has {MIN_DIGEST} to {MAX_DIGEST} bytes, not {len(self.digest)}")
        elif len(self.digest) != len(function(b"")):
            raise _bad("its digest has the wrong length for its hash function")
        if self.version == 0 and (self.codec, self.hash_code) != (DAG_PB, SHA2_256):
            raise _bad("version 0 is dag-pb with sha2-256")
        if self.version not in (0, 1):
            raise _bad(f"version {self.version} is not known")

    @classmethod
    def v1(cls, codec: int, digest: bytes, hash_code: int = SHA2_256) -> CID:
        """A version 1 CID."""
        return cls(1, codec, hash_code, digest)

    @classmethod
    def v0(cls, digest: bytes) -> CID:
        """A version 0 CID (dag-pb, sha2-256)."""
        return cls(0, DAG_PB, SHA2_256, digest)

    @classmethod
    def decode(cls, data: bytes) -> CID:
        """The CID that these bytes are, exactly. ``InvalidInput`` (``invalid_cid``) otherwise."""
        if len(data) == 36 and data[0] == 1 and data[1] < 0x80 and data[2:4] == b"\x12\x20":
            return _well_formed(data[1], bytes(data[4:]))
        cid, end = cls.read(data, 0)
        if end != len(data):
            raise _bad("bytes follow it")
        return cid

    @classmethod
    def read(cls, data: bytes, start: int) -> tuple[CID, int]:
        """The CID that begins at ``start``, and where it ends."""
        if data[start : start + 2] == b"\x12\x20":
            digest = bytes(data[start + 2 : start + 34])
            if len(digest) != 32:
                raise _bad("it is cut off")
            return cls.v0(digest), start + 34
        if data[start : start + 1] == b"\x01" and data[start + 2 : start + 4] == b"\x12\x20" and data[start + 1] < 0x80:
            digest = bytes(data[start + 4 : start + 36])
            if len(digest) == 32:  # what nearly all are, and what is wrong with others is told below
                return _well_formed(data[start + 1], digest), start + 36
        version, at = decode_varint(data, start)
        if version != 1:
            raise _bad(f"version {version} is not known")
        codec, at = decode_varint(data, at)
        code, at = decode_varint(data, at)
        size, at = decode_varint(data, at)
        digest = bytes(data[at : at + size])
        if len(digest) != size:
            raise _bad("it is cut off")
        return cls(1, codec, code, digest), at + size

    @classmethod
    def parse(cls, text: str) -> CID:
        """The CID that this text is. ``InvalidInput`` (``invalid_cid``) otherwise."""
        if not 8 <= len(text) <= MAX_TEXT:
            raise _bad("it is empty" if not text else f"it has {len(text)} character{'s' * (len(text) != 1)}")
        return _parsed(text)

    @property
    def multihash(self) -> bytes:
        """Hash code, length and digest."""
        if self.hash_code == SHA2_256 and len(self.digest) == 32:  # nearly all are, and this is asked for often
            return b"\x12\x20" + self.digest
        return encode_varint(self.hash_code) + encode_varint(len(self.digest)) + self.digest

    def __bytes__(self) -> bytes:
        if self.version == 1 and self.codec < 0x80 and self.hash_code == SHA2_256 and len(self.digest) == 32:
            return _HEADS[self.codec] + self.digest
        if self.version == 0:
            return self.multihash
        return b"\x01" + encode_varint(self.codec) + self.multihash

    def __str__(self) -> str:
        if self.version == 0:
            return multibase.encode_base58(bytes(self))
        return _text(bytes(self))

    def __repr__(self) -> str:
        return f"CID({self})"

    def __lt__(self, other: CID) -> bool:
        return bytes(self) < bytes(other)


_HEADS = [bytes([1, codec, SHA2_256, 32]) for codec in range(0x80)]  # what the bytes of nearly all begin with
_new = object.__new__
_set_version, _set_codec, _set_hash_code, _set_digest = (
    CID.__dict__[name].__set__ for name in ("version", "codec", "hash_code", "digest")
)


def _well_formed(codec: int, digest: bytes) -> CID:
    """The version 1 CID with a sha2-256 of 32 bytes. Millions are made, at a third of what a checked one costs."""
    cid: CID = _new(CID)
    _set_version(cid, 1)
    _set_codec(cid, codec)
    _set_hash_code(cid, SHA2_256)
    _set_digest(cid, digest)
    return cid


@lru_cache(1 << 12)
def _parsed(text: str) -> CID:
    if len(text) == 59 and text[0] == "b":
        return CID.decode(multibase.decode_base32(text[1:]))
    if len(text) == 46 and text.startswith("Qm"):
        return CID.decode(multibase.decode_base58(text))
    cid = CID.decode(multibase.decode(text))
    if cid.version == 0:
        raise _bad("version 0 is written without a multibase prefix")
    return cid


@lru_cache(1 << 15)
def _text(data: bytes) -> str:
    """While many are written, each is asked for several times."""
    return multibase.encode_base32(data)


def is_cid(text: str) -> bool:
    """Whether this text is a CID."""
    try:
        CID.parse(text)
    except InvalidInput:
        return False
    return True


def cid_of(data: bytes, codec: int) -> CID:
    """The version 1, sha2-256 CID of a block."""
    return CID(1, codec, SHA2_256, hashlib.sha256(data).digest())


def raw_cid(multihash: bytes) -> CID:
    """The version 1 CID of a block of which only its multihash is known."""
    return CID.decode(b"\x01" + bytes([RAW]) + multihash)


def matches(cid: CID, data: bytes) -> bool:
    """Whether ``data`` hashes to ``cid``."""
    function = hash_function(cid.hash_code)
    return function is not None and function(data) == cid.digest


def verify(cid: CID, data: bytes) -> None:
    """``Untrusted`` (``hash_mismatch``) unless ``data`` hashes to ``cid``."""
    if not matches(cid, data):
        raise Untrusted(
            f"these bytes do not hash to {cid}: they are damaged or not what they claim", code="hash_mismatch"
        )
