"""Values that wait in a temporary file, however many there are: written once, read again as often as is wanted.

Invariants: memory holds ``_BUFFER`` bytes and 8 bytes a value; the file has no name and goes with its process. A value
that is read is equal to the one that was put. No file is made for what the buffer holds.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import IO, Generic, TypeVar, overload

import msgspec

from registry.core.errors import not_written

T = TypeVar("T")
_BUFFER = 256 << 10
_NONE = -1


class Spool(Sequence[T]):
    """A sequence that only grows. ``kind``: a type that msgspec knows; not for several threads."""

    def __init__(self, kind: type[T], values: Sequence[T] = ()) -> None:
        self._encode, self._decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(kind).decode
        self._ends, self._waiting = array("q", [0]), bytearray()
        self._file: IO[bytes] | None = None
        self._written = 0
        for value in values:
            self.append(value)

    def append(self, value: T) -> None:
        """Put one more. ``Unavailable`` (``disk_full``, ``not_written``) where there is no room."""
        self._waiting += self._encode(value)
        self._ends.append(self._written + len(self._waiting))
        if len(self._waiting) >= _BUFFER:
            self._spill()

    def _spill(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  as long as the values
                weakref.finalize(self, self._file.close)
            while self._waiting:
                done = os.pwrite(self._file.fileno(), self._waiting, self._written)
                self._written += done
                del self._waiting[:done]
        except OSError as error:
            raise not_written("the folder of temporary files", error) from error

    def _bytes(self, begin: int, end: int) -> bytes:
        if begin >= self._written:
            return bytes(self._waiting[begin - self._written : end - self._written])
        assert self._file is not None
        found = os.pread(self._file.fileno(), end - begin, begin)
        return found + bytes(self._waiting[: max(0, end - self._written)])

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        return self._decode(self._bytes(self._ends[place], self._ends[place + 1]))

    def __iter__(self) -> Iterator[T]:
        place = 0
        while place < len(self):
            begin, first = self._ends[place], place
            while place < len(self) and (place == first or self._ends[place + 1] - begin <= _BUFFER):
                place += 1
            part = memoryview(self._bytes(begin, self._ends[place]))
            for one in range(first, place):
                yield self._decode(part[self._ends[one] - begin : self._ends[one + 1] - begin])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # it grows


class ByPath(Generic[T]):
    """At most one value for each path of a sorted list, which must stay as it is."""

    def __init__(self, paths: Sequence[str], kind: type[T]) -> None:
        self._paths, self._values = paths, Spool(kind)
        self._places = array("q", [_NONE]) * len(paths)

    def _index(self, path: str) -> int:
        index = bisect_left(self._paths, path)
        if index == len(self._paths) or self._paths[index] != path:
            raise KeyError(path)
        return index

    def put(self, path: str, value: T) -> None:
        """Remember it; once a path. ``KeyError`` for a path that is not in the list."""
        self._places[self._index(path)] = len(self._values)
        self._values.append(value)

    def get(self, path: str) -> T | None:
        """The value; None where there is none yet."""
        return self.at(self._index(path))

    def at(self, index: int) -> T | None:
        """The value of the list's path at ``index``."""
        place = self._places[index]
        return None if place == _NONE else self._values[place]

    def has(self, index: int) -> bool:
        """Whether the list's path at ``index`` has a value."""
        return self._places[index] != _NONE

    def without(self) -> Iterator[str]:
        """The paths that have none."""
        return (path for index, path in enumerate(self._paths) if not self.has(index))
