"""Canonical dag-cbor: values to bytes and back, strictly.

Invariants: ``decode(encode(v)) == v``; ``decode`` accepts exactly the bytes that ``encode`` writes
(sorted keys, minimal numbers, definite lengths, text keys, no floats, no tag but links, nothing
after the end, nothing in more than MAX_DEPTH lists and maps, which is seen before anything is decoded).
``cbrrr`` does the work.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from itertools import chain
from typing import Any

import cbrrr

from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, MAX_BLOCK

MAX_DEPTH = 64  # lists and maps around an item; a link is one item
_PLAIN = {type(None), bool, int, str, bytes}


def _bad(reason: str) -> InvalidInput:
    return InvalidInput(f"not canonical dag-cbor: {reason}", code="malformed_cbor")


def _outward(value: Any, depth: int = 0) -> Any:
    """As cbrrr takes it; floats and odd types are refused."""
    if depth > MAX_DEPTH:
        raise _bad(f"it is nested deeper than {MAX_DEPTH}")
    if isinstance(value, CID):
        return value
    if isinstance(value, (list, tuple)):
        if depth < MAX_DEPTH and set(map(type, value)) <= _PLAIN:
            return list(value)
        return [_outward(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {key: _outward(item, depth + 1) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return value
    raise _bad(f"{type(value).__name__} has no canonical form here")


def _holds_float(value: Any) -> bool:
    """Level by level, since most of what is read are many small lists."""
    level = [value]
    while level:
        kinds = set(map(type, level))
        if float in kinds:
            return True
        below: list[Iterable[Any]] = [one for one in level if type(one) is list] if list in kinds else []
        if dict in kinds:
            below += [one.values() for one in level if type(one) is dict]
        level = list(chain.from_iterable(below))
    return False


def encode(value: Any) -> bytes:
    """Canonical bytes of None, bool, int (64 bit), str, bytes, list, dict with text keys, and CID."""
    try:
        data = cbrrr.encode_dag_cbor(_outward(value), cid_type=CID)
    except InvalidInput:
        raise
    except (ValueError, TypeError, OverflowError, UnicodeError) as error:
        raise _bad(str(error)) from error
    return bytes(data)


def _sizes() -> list[int]:
    """By first byte: the length of the item in bytes; -(n + 1) for a list of n items; 0: parse the head."""
    found = [0] * 256
    for first in range(256):
        major, info = first >> 5, first & 31
        if major in (2, 3):
            found[first] = 1 + info if info < 24 else 0
        elif major == 4 and info < 24:
            found[first] = -1 - info
        elif major in (0, 1, 7) and info < 28:
            found[first] = 1 + (0 if info < 24 else 1 << (info - 24))
    return found


_SIZES = _sizes()


def _check_depth(data: bytes) -> None:
    """Walk the heads without recursion and refuse what is nested too deep or cut off."""
    at, left, around = 0, 1, []  # where; items left of what is open, and of what is around it
    try:
        while True:
            while left:
                left -= 1
                size = _SIZES[data[at]]
                if size > 0:
                    at += size
                    continue
                if data[at] >> 5 == 6:  # a tag and what it tags are one item
                    left, at = left + 1, _head(data, at)[1]
                    continue
                held, at = (-1 - size, at + 1) if size else _head(data, at)
                if held:
                    around.append(left)
                    left = held
                    if len(around) > MAX_DEPTH:
                        raise _bad(f"it is nested deeper than {MAX_DEPTH}")
            if not around:
                break
            left = around.pop()
    except IndexError:
        raise _bad("it is cut off") from None
    if at != len(data):
        raise _bad("bytes follow its end" if at < len(data) else "it is cut off")


def _head(data: bytes, at: int) -> tuple[int, int]:
    """How many items the item at ``at`` holds, and where they begin, or it ends if it holds none."""
    major, info = data[at] >> 5, data[at] & 31
    if info >= 28:
        raise _bad("lengths must be definite")
    extra = 0 if info < 24 else 1 << (info - 24)
    number = info if info < 24 else int.from_bytes(data[at + 1 : at + 1 + extra], "big")
    at += 1 + extra
    if major in (2, 3):
        return 0, at + number
    if major in (4, 5) and number > len(data) * 8:
        raise _bad("a length is larger than all there is")
    return number * (major - 3) if major in (4, 5) else 0, at


def decode(data: bytes) -> Any:
    """The value these bytes are. ``InvalidInput`` (``malformed_cbor``) unless ``encode`` would have written them."""
    if len(data) > MAX_BLOCK:
        raise _bad("it is larger than 2 MiB")
    _check_depth(data)
    try:
        value = cbrrr.decode_dag_cbor(data, cid_ctor=CID.decode)
    except InvalidInput:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError, UnicodeError) as error:
        raise _bad(str(error)) from error
    if b"\xfb" in data and _holds_float(value):  # the one head that a float can have
        raise _bad("it holds a float")
    return value


def _json(value: Any) -> Any:
    if isinstance(value, CID):
        return {"/": str(value)}
    if isinstance(value, bytes):
        return {"/": {"bytes": base64.b64encode(value).decode().rstrip("=")}}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    return value


def to_dag_json(value: Any) -> str:
    """DAG-JSON: links as ``{"/": cid}``, bytes as ``{"/": {"bytes": base64}}``."""
    return json.dumps(_json(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _found(value: Any, out: list[CID]) -> None:
    if isinstance(value, CID):
        out.append(value)
    elif isinstance(value, list):
        for item in value:
            _found(item, out)
    elif isinstance(value, dict):
        for item in value.values():
            _found(item, out)


LINKING = frozenset({DAG_CBOR, DAG_PB})  # the codecs whose links are followed


def links(data: bytes, codec: int) -> list[CID]:
    """The links of a block in the order in which they stand; none for codecs that have none or are not known."""
    if codec not in LINKING:
        return []
    if codec == DAG_CBOR:
        out: list[CID] = []
        _found(decode(data), out)
        return out
    from registry.core.ipld.dagpb import decode_node

    return [link.cid for link in decode_node(data).links]
