"""Canonical dag-cbor: values to bytes and back, strictly.

Invariants: ``decode(encode(v)) == v``; ``decode`` accepts exactly the bytes that ``encode`` writes
(sorted keys, minimal numbers, definite lengths, text keys, no floats, no tag but links, nothing
after the end); nesting is bounded before anything is decoded. ``cbrrr`` does the work; its own CID
type never leaves this module.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import cbrrr

from registry.core.cid import CID, DAG_CBOR, DAG_PB
from registry.core.errors import InvalidInput

MAX_DEPTH = 64
MAX_BLOCK = 2 << 20


def _bad(reason: str) -> InvalidInput:
    return InvalidInput(f"not canonical dag-cbor: {reason}", code="malformed_cbor")


def _outward(value: Any, depth: int = 0) -> Any:
    """Our links as cbrrr's, everything else as it is; floats and odd types are refused."""
    if depth > MAX_DEPTH:
        raise _bad(f"it is nested deeper than {MAX_DEPTH}")
    if isinstance(value, CID):
        return cbrrr.CID(bytes(value))
    if isinstance(value, (list, tuple)):
        return [_outward(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {key: _outward(item, depth + 1) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return value
    raise _bad(f"{type(value).__name__} has no canonical form here")


def _inward(value: Any) -> Any:
    if isinstance(value, cbrrr.CID):
        return CID.decode(bytes(value))
    if isinstance(value, list):
        return [_inward(item) for item in value]
    if isinstance(value, dict):
        return {key: _inward(item) for key, item in value.items()}
    if isinstance(value, float):
        raise _bad("it holds a float")
    return value


def encode(value: Any) -> bytes:
    """Canonical bytes of None, bool, int (64 bit), str, bytes, list, dict with text keys, and CID."""
    try:
        data = cbrrr.encode_dag_cbor(_outward(value))
    except InvalidInput:
        raise
    except (ValueError, TypeError, OverflowError, UnicodeError) as error:
        raise _bad(str(error)) from error
    return bytes(data)


def _check_depth(data: bytes) -> None:
    """Walk the heads without recursion and refuse what is nested too deep or cut off."""
    at, left = 0, [1]
    while left:
        if left[-1] == 0:
            left.pop()
            continue
        left[-1] -= 1
        if at >= len(data):
            raise _bad("it is cut off")
        major, info = data[at] >> 5, data[at] & 31
        at += 1
        if info >= 28:
            raise _bad("lengths must be definite")
        extra = 0 if info < 24 else 1 << (info - 24)
        number = info if info < 24 else int.from_bytes(data[at : at + extra], "big")
        at += extra
        if major in (2, 3):
            at += number
        elif major in (4, 5, 6):
            if number > len(data) * 8 and major != 6:
                raise _bad("a length is larger than all there is")
            left.append(1 if major == 6 else number * (major - 3))
            if len(left) > MAX_DEPTH + 2:
                raise _bad(f"it is nested deeper than {MAX_DEPTH}")
    if at != len(data):
        raise _bad("bytes follow its end")


def decode(data: bytes) -> Any:
    """The value these bytes are. ``InvalidInput`` (``malformed_cbor``) unless ``encode`` would have written them."""
    if len(data) > MAX_BLOCK:
        raise _bad("it is larger than 2 MiB")
    _check_depth(data)
    try:
        return _inward(cbrrr.decode_dag_cbor(data))
    except InvalidInput:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError, UnicodeError) as error:
        raise _bad(str(error)) from error


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
    from registry.core.dagpb import decode_node

    return [link.cid for link in decode_node(data).links]
