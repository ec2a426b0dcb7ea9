"""Reads a stranger's files within bounds: a few blocks can claim any size, and many files can share them.

Invariants: no more is read than ``FREE`` bytes and ``REPEATED`` times what the different blocks hold; each file has at
most ``MAX_FILE`` bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from registry.core.ipld.cid import CID
from registry.core.tensors import MAX_FILE
from registry.provenance.checks.results import Failed

FREE = 64 << 20
REPEATED = 16
_EACH = 64  # what a block costs beside its bytes


class Files(Protocol):
    """Files and directories, read from verified blocks."""

    def names(self, directory: CID) -> Mapping[str, CID]:
        """A directory's names. ``InvalidInput`` if it is none."""
        ...

    def pieces(self, file: CID) -> Iterator[tuple[CID, bytes]]:
        """Each block of a file in order, and the bytes of the file that it holds itself."""
        ...


class Reading:
    """All reading of one audit, so that its bounds are those of the whole."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._seen: set[int] = set()
        self._read = self._different = 0

    def names(self, directory: CID) -> Mapping[str, CID]:
        """As of ``Files``."""
        return self._files.names(directory)

    def pieces(self, file: CID) -> Iterator[bytes]:
        """A file's bytes in order. ``Failed`` where it, or all that was read, is larger than its blocks can account
        for."""
        size = 0
        for block, data in self._files.pieces(file):
            size += len(data)
            self._count(block, len(data) + _EACH)
            if size > MAX_FILE:
                raise Failed(f"{file} has more than {MAX_FILE} bytes")
            yield data

    def whole(self, file: CID) -> bytes:
        """All of a file."""
        return b"".join(self.pieces(file))

    def _count(self, block: CID, cost: int) -> None:
        mark = int.from_bytes(block.digest[:8], "big")
        self._read += cost
        if mark not in self._seen:
            self._seen.add(mark)
            self._different += cost
        if self._read > FREE + REPEATED * self._different:
            raise Failed("the files claim to be much larger than their blocks: they repeat the same blocks too often")
