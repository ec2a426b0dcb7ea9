"""dag-cbor, CIDs and CAR files."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from typing import Any

from registry.core.ipld import car, encoding
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from registry.core.ipld.varint import encode_varint
from tests.vectors.families.vector import Family, Vector, good

HELLO = b"hello"
A_CID = cid_of(HELLO, RAW)


def decoded(given: Any) -> str:
    return encoding.to_dag_json(encoding.decode(given["block"]))


_CBOR = {
    "zero": "00",
    "23, the largest in one byte": "17",
    "24": "1818",
    "255": "18ff",
    "256": "190100",
    "2^32": "1b0000000100000000",
    "2^53 + 1, which no double holds": "1b0020000000000001",
    "2^64 - 1": "1bffffffffffffffff",
    "-1": "20",
    "-2^64": "3bffffffffffffffff",
    "empty bytes": "40",
    "text of several scripts": encoding.encode("ñandú 猫 🙂").hex(),
    "text that is not in NFC stays as it is": encoding.encode("n\u0303").hex(),
    "empty list and map": "8280a0",
    "false, true, null": "83f4f5f6",
    "keys: the shorter first": "a3616201626161026262610a",
    "keys by bytes of UTF-8": encoding.encode({"ñ": 1, "zz": 2, "a": 3}).hex(),
    "a link": encoding.encode(A_CID).hex(),
    "a link of version 0": encoding.encode(CID.v0(hashlib.sha256(HELLO).digest())).hex(),
    "64 lists around an item": "81" * 64 + "00",
}
_NOT_CBOR = {
    "24 in two bytes that could be one: 23": ("1817", "the shortest form"),
    "0 in nine bytes": ("1b0000000000000000", "the shortest form"),
    "length not in its shortest form": ("580100", "the shortest form"),
    "keys by bytes, not by length": ("a2626161016162" + "02", "the shorter key comes first"),
    "keys in falling order": ("a2616201616102", "keys rise"),
    "a key twice": ("a2616101616102", "keys are different"),
    "a key that is an integer": ("a10101", "keys are text"),
    "a key that is bytes": ("a1416101", "keys are text"),
    "list of indefinite length": ("9f01ff", "lengths are definite"),
    "text of indefinite length": ("7f6161ff", "lengths are definite"),
    "half float": ("f93c00", "no floats"),
    "float": ("fa3f800000", "no floats"),
    "double": ("fb3ff0000000000000", "no floats"),
    "double deep inside": ("8181a16161fb3ff8000000000000", "no floats"),
    "undefined": ("f7", "false, true and null are the only simple values"),
    "simple value 16": ("f0", "false, true and null are the only simple values"),
    "another tag": ("c100", "tag 42 alone"),
    "tag 42 over text": ("d82a6161", "tag 42 is over bytes"),
    "tag 42 without the leading zero": ("d82a5824" + bytes(A_CID).hex(), "a link's bytes begin with 00"),
    "tag 42 over no CID": ("d82a4100", "a CID follows"),
    "tag 42 over a CID and more": ("d82a5826" + "00" + bytes(A_CID).hex() + "00", "nothing follows the CID"),
    "text that is no UTF-8": ("61ff", "text is UTF-8"),
    "half of a surrogate pair": ("63eda080", "text is UTF-8"),
    "bytes after the end": ("0000", "nothing follows"),
    "cut off": ("8201", "it is cut off"),
    "empty": ("", "it is cut off"),
    "65 lists around an item": ("81" * 65 + "00", "at most 64"),
    "a length larger than all there is": ("9bffffffffffffffff", "it is cut off"),
}

_CODES = {"tag 42 over no CID": "bad_varint", "tag 42 over a CID and more": "invalid_cid"}


def cbor() -> Sequence[Vector]:
    found = [good(decoded, name, {"block": bytes.fromhex(data)}) for name, data in _CBOR.items()]
    return [
        *found,
        *(
            Vector(name, {"block": bytes.fromhex(data)}, refused=_CODES.get(name, "malformed_cbor"), why=why)
            for name, (data, why) in _NOT_CBOR.items()
        ),
    ]


def read_cid(given: Any) -> dict[str, Any]:
    found = CID.decode(given["bytes"]) if "bytes" in given else CID.parse(given["text"])
    return {
        "version": found.version,
        "codec": found.codec,
        "hash": found.hash_code,
        "digest": found.digest,
        "text": str(found),
        "bytes": bytes(found),
    }


def cids() -> Sequence[Vector]:
    sha = hashlib.sha256(HELLO).digest()
    blake = b"\x01\x55" + encode_varint(0xB220) + b"\x20" + hashlib.blake2b(HELLO, digest_size=32).digest()
    accepted = {
        "raw of hello": {"text": str(A_CID)},
        "dag-cbor of the same bytes is another block": {"text": str(cid_of(HELLO, DAG_CBOR))},
        "version 0": {"text": str(CID.v0(sha))},
        "bytes": {"bytes": bytes(A_CID)},
        "identity": {"bytes": b"\x01\x55\x00\x05" + HELLO},
        "blake2b-256": {"bytes": blake},
        "sha2-512": {"bytes": b"\x01\x55\x13\x40" + hashlib.sha512(HELLO).digest()},
    }
    refused = {
        "sha1": ({"bytes": b"\x01\x55\x11\x14" + bytes(20)}, "it can be forged"),
        "a digest that is cut off": ({"bytes": b"\x01\x55\x12\x20" + bytes(31)}, "its length is stated"),
        "a digest of the wrong length": ({"bytes": b"\x01\x55\x12\x1f" + bytes(31)}, "sha2-256 has 32 bytes"),
        "version 2": ({"bytes": b"\x02\x55\x12\x20" + sha}, "0 and 1 are known"),
        "a varint that is not minimal": ({"bytes": b"\x01\xd5\x00\x12\x20" + sha}, "varints are minimal"),
        "bytes behind it": ({"bytes": bytes(A_CID) + b"\x00"}, "nothing follows"),
        "identity of 129 bytes": ({"bytes": b"\x01\x55\x00\x81\x01" + bytes(129)}, "at most 128"),
        "upper-case letters in lower-case base32": ({"text": str(A_CID).replace("b", "B")[:1] + "x"}, "no base32"),
        "a digest in hex": ({"text": sha.hex()}, "no multibase"),
    }
    return [
        *(good(read_cid, name, given) for name, given in accepted.items()),
        *(
            Vector(name, given, refused="bad_varint" if "varint" in name else "invalid_cid", why=why)
            for name, (given, why) in refused.items()
        ),
    ]


def read_car(given: Any) -> dict[str, Any]:
    roots, blocks = car.read(io.BytesIO(given["file"]))
    return {"roots": list(roots), "blocks": [[cid, data] for cid, data in blocks]}


def _section(cid: CID, data: bytes) -> bytes:
    return encode_varint(len(bytes(cid)) + len(data)) + bytes(cid) + data


def cars() -> Sequence[Vector]:
    one, other = (cid_of(HELLO, RAW), HELLO), (cid_of(b"world", RAW), b"world")
    header = encoding.encode({"roots": [one[0]], "version": 1})
    head = encode_varint(len(header)) + header
    whole = head + _section(*one) + _section(*other)
    two = bytes.fromhex("0aa16776657273696f6e02") + bytes(16)
    two += b"".join(number.to_bytes(8, "little") for number in (51, len(whole), 0)) + whole
    wrong_version = encoding.encode({"roots": [one[0]], "version": 3})
    accepted = {
        "two blocks": whole,
        "a block twice": whole + _section(*one),
        "zeros behind the last section": whole + bytes(7),
        "no block": head,
        "version 2": two,
        "a root that is not there": head + _section(*other),
    }
    refused = {
        "cut off inside a section": (whole[:-1], "car_truncated", "a section is cut off"),
        "a flipped bit": (whole[:-1] + bytes([whole[-1] ^ 1]), "hash_mismatch", "a block does not hash to its CID"),
        "the same bytes under another codec's digest": (
            head + _section(cid_of(b"x", RAW), HELLO),
            "hash_mismatch",
            "a block does not hash to its CID",
        ),
        "bytes behind zeros": (whole + b"\x00\x01", "malformed_car", "only zeros may follow a section of length 0"),
        "a section of 3 MiB": (whole + encode_varint(3 << 20), "malformed_car", "a section is too large"),
        "version 3": (encode_varint(len(wrong_version)) + wrong_version, "malformed_car", "versions are 1 and 2"),
        "an HTML page": (b"<!DOCTYPE html><html></html>", "malformed_car", "it is no CAR"),
        "nothing": (b"", "malformed_car", "it has no header"),
    }
    return [
        *(good(read_car, name, {"file": data}) for name, data in accepted.items()),
        *(Vector(name, {"file": data}, refused=code, why=why) for name, (data, code, why) in refused.items()),
    ]


FAMILIES = (
    Family("cbor", "A block of dag-cbor; expected: its value as DAG-JSON text.", decoded, cbor),
    Family("cids", "A CID as text or bytes; expected: its parts and both forms.", read_cid, cids),
    Family("car-files", "A whole CAR file; expected: its roots, and its blocks in order.", read_car, cars),
)
