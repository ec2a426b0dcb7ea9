"""Canonical dag-cbor: values to bytes and back, strictly.

Invariants: ``decode(encode(v)) == v``; ``decode`` accepts exactly the bytes that ``encode`` writes
(sorted keys, minimal numbers, definite lengths, text keys, no floats, no tag but links, nothing
after the end, nothing in more than MAX_DEPTH lists and maps). ``cbrrr`` does the work; it does not recurse, and takes
no more memory for what is nested deep than for as many small lists.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import cbrrr

from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, MAX_BLOCK

MAX_DEPTH = 64  # lists and maps around an item; a link is one item
_PLAIN = {type(None), bool, int, str, bytes}
_TOLD = {"did not parse to end of buffer": "bytes follow its end"}
_OUTWARD = {*_PLAIN, list, dict, CID}


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


def _levels(value: Any) -> Iterator[tuple[int, set[type]]]:
    """Types of values that lie equally deep, and how deep: all in a value, many at once since most are many small lists
    of one width, whose columns are of one type each."""
    pending: list[tuple[int, Sequence[Any]]] = [(0, (value,))]
    while pending:
        depth, level = pending.pop()
        kinds = set(map(type, level))
        yield depth, kinds
        if kinds == {list} and len(level) > len(level[0]) and len(set(map(len, level))) == 1:
            pending += [(depth + 1, column) for column in zip(*level, strict=True)]
        elif list in kinds or dict in kinds:
            below: Iterable[Iterable[Any]] = level
            if kinds == {dict}:
                below = map(dict.values, level)
            elif kinds != {list}:
                below = [one for one in level if type(one) is list]
                below += [one.values() for one in level if type(one) is dict]
            if inner := list(chain.from_iterable(below)):
                pending.append((depth + 1, inner))


def _is_outward(value: Any, most: int = MAX_DEPTH) -> bool:
    """Whether cbrrr takes a value as it is, and all in it has a canonical form here, in ``most`` lists and maps."""
    return all(kinds <= _OUTWARD and depth <= most for depth, kinds in _levels(value))


def encode(value: Any) -> bytes:
    """Canonical bytes of None, bool, int (64 bit), str, bytes, list, dict with text keys, and CID."""
    try:
        data = cbrrr.encode_dag_cbor(value if _is_outward(value) else _outward(value), cid_type=CID)
    except InvalidInput:
        raise
    except (ValueError, TypeError, OverflowError, UnicodeError) as error:
        raise _bad(str(error)) from error
    return bytes(data)


def encode_each(values: Sequence[Any]) -> list[bytes]:
    """``encode`` of each of many small values, which are looked at together."""
    if not _is_outward(list(values), MAX_DEPTH + 1):
        return [encode(value) for value in values]
    try:
        return [bytes(cbrrr.encode_dag_cbor(value, cid_type=CID)) for value in values]
    except (ValueError, TypeError, OverflowError, UnicodeError) as error:
        raise _bad(str(error)) from error


def decode(data: bytes) -> Any:
    """The value these bytes are. ``InvalidInput`` (``malformed_cbor``) unless ``encode`` would have written them."""
    return _decoded(data, _each_once())


def decode_typed(data: bytes) -> tuple[Any, set[type]]:
    """``decode``, and the types of all that is in the value: without a bool among them, equal values have equal
    bytes."""
    kinds: set[type] = set()
    return _decoded(data, CID.decode, kinds), kinds


def _each_once() -> Callable[[bytes], CID]:
    """``CID.decode`` for one block: a hostile one may repeat a link tens of thousands of times."""
    known: dict[bytes, CID] = {}

    def read(link: bytes) -> CID:
        found = known.get(link)
        if found is None:
            found = known[link] = CID.decode(link)
        return found

    return read


def _decoded(data: bytes, cid: Callable[[bytes], CID], seen: set[type] | None = None) -> Any:
    if len(data) > MAX_BLOCK:
        raise _bad("it is larger than 2 MiB")
    try:
        value = cbrrr.decode_dag_cbor(data, cid_ctor=cid)
    except InvalidInput:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError, UnicodeError) as error:
        raise _bad(
            _TOLD.get(str(error), "it is cut off" if "not enough bytes" in str(error) else str(error))
        ) from error
    for depth, kinds in _levels(value):
        if float in kinds:
            raise _bad("it holds a float")
        if depth > MAX_DEPTH:
            raise _bad(f"it is nested deeper than {MAX_DEPTH}")
        if seen is not None:
            seen |= kinds
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


LINKING = frozenset({DAG_CBOR, DAG_PB})  # the codecs whose links are followed


def links(data: bytes, codec: int) -> list[CID]:
    """The links of a block in the order in which they stand; none for codecs that have none or are not known."""
    if codec not in LINKING:
        return []
    if codec == DAG_CBOR:
        out: list[CID] = []
        read = _each_once()

        def note(link: bytes) -> CID:
            out.append(read(link))
            return out[-1]

        _decoded(data, note)
        return out
    from registry.core.ipld.dagpb import decode_node

    return [link.cid for link in decode_node(data).links]
