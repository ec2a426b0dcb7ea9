"""What follows from bytes alone is worked out once a run: records and their bytes, links, tables, the evaluation.

Invariant: what is remembered is keyed by the bytes, or by the CIDs of all the verified blocks, that it follows from, so
an audit says the same without it. Nobody changes what is given out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from registry.core import records
from registry.core.ipld import dag, encoding
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.records import codec
from registry.core.table import tables
from registry.provenance import base_lineage
from registry.provenance.checks import level1
from registry.provenance.checks.level6 import figures
from registry.provenance.release_view import evaluate_draw

MOST = 1500  # values of one kind


class _Made:
    """Values, and errors, by key; those that were not asked for longest are forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[Any, tuple[Any, Exception | None]] = OrderedDict()

    def of(self, key: Any, make: Callable[[], Any]) -> Any:
        if key in self._known:
            self._known.move_to_end(key)
        else:
            self._known[key] = _outcome(make)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        value, failure = self._known[key]
        if failure is not None:
            raise failure.with_traceback(None)
        return value


def _outcome(make: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return make(), None
    except Exception as error:
        return None, error


class _Traced:
    """What a function makes of blocks: made once of the same ones."""

    def __init__(self) -> None:
        self._known: OrderedDict[Any, list[tuple[frozenset[CID], Any]]] = OrderedDict()

    def of(self, key: Any, get: Get, make: Callable[[Get], Any]) -> Any:
        for needed, found in self._known.get(key, ()):
            if all(_there(get, cid) for cid in needed):
                self._known.move_to_end(key)
                return found
        read: set[CID] = set()

        def traced(cid: CID) -> bytes:
            data = get(cid)
            read.add(cid)
            return data

        found = make(traced)
        self._known.setdefault(key, []).append((frozenset(read), found))
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return found


def _there(get: Get, cid: CID) -> bool:
    try:
        get(cid)
    except Exception:
        return False
    return True


def _evaluation() -> Callable[..., Any]:
    made = _Traced()

    def evaluate(get: Get, draw: CID, predictions: CID, trainings: Iterable[CID]) -> Any:
        of = tuple(trainings)
        return made.of((draw, predictions, of), get, lambda traced: evaluate_draw(traced, draw, predictions, of))

    return evaluate


def _iterating() -> Callable[[CID, Get], Iterator[tuple[Any, ...]]]:
    made, iterate = _Traced(), tables.iterate
    return lambda cid, get: iter(made.of(cid, get, lambda traced: list(iterate(cid, traced))))


def _decoding() -> Callable[..., Any]:
    made, decoded = _Made(), encoding._decoded

    def known(data: bytes) -> tuple[Any, set[type]]:
        kinds: set[type] = set()
        return decoded(data, CID.decode, kinds), kinds

    def decode(data: bytes, cid: Callable[[bytes], CID], seen: set[type] | None = None) -> Any:
        if cid != CID.decode:
            return decoded(data, cid, seen)
        value, kinds = made.of(data, lambda: known(data))
        if seen is not None:
            seen |= kinds
        return value

    return decode


def _linking() -> Callable[[bytes, int], list[CID]]:
    made, links = _Made(), encoding.links
    return lambda data, codec: list(made.of((data, codec), lambda: links(data, codec)))


class _Records:
    """Records by their bytes, and bytes by the very record, which is kept, so that no other has its id."""

    def __init__(self) -> None:
        self._made, self._encode = _Made(), codec.encode
        self._bytes = OrderedDict[int, tuple[bytes, records.Record]]()

    def of(self, data: bytes, make: Callable[[], records.Record]) -> records.Record:
        record: records.Record = self._made.of(data, make)
        self._bytes[id(record)] = data, record  # the bytes that it was read from are those that it is written as
        return record

    def encode(self, record: records.Record) -> bytes:
        if id(record) not in self._bytes:
            self._bytes[id(record)] = self._encode(record), record
        data = self._bytes[id(record)][0]
        while len(self._bytes) > MOST:
            self._bytes.popitem(last=False)
        return data


@contextmanager
def remembering() -> Iterator[pytest.MonkeyPatch]:
    """As long as this lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "evaluate_draw", _evaluation())
        read = _Records()
        patch.setattr(codec, "_read_lately", read)
        patch.setattr(tables, "iterate", _iterating())
        links = _linking()
        for module in (encoding, dag, level1, base_lineage):
            if hasattr(module, "links"):
                patch.setattr(module, "links", links)
        patch.setattr(encoding, "_decoded", _decoding())
        patch.setattr(records, "encode", read.encode)
        yield patch
