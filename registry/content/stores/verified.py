"""The one that verifies and bounds blocks: what every store, every source and the import of a CAR file build on.

Invariants: a block that was read is given out only after it was hashed and agreed with its CID; a store's corrupt or
empty block counts as missing, never as data; a block from elsewhere is kept only after the same check, and none is
larger than ``MAX_BLOCK``; identity CIDs are answered from the CID itself and are never kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from registry.core.errors import InvalidInput, NotFound, Untrusted
from registry.core.ipld.cid import CID, IDENTITY, MAX_BLOCK, matches, verify
from registry.core.ipld.dag import not_here


def check_size(cid: CID, data: bytes) -> None:
    """``InvalidInput`` (``block_too_large``) for more than a block can have."""
    if len(data) > MAX_BLOCK:
        raise InvalidInput(f"block {cid} is larger than 2 MiB", code="block_too_large")


def check_block(cid: CID, data: bytes) -> None:
    """What a stranger gave as a block: ``InvalidInput`` (``block_too_large``), ``Untrusted`` (``hash_mismatch``)."""
    check_size(cid, data)
    verify(cid, data)


def verified_block(cid: CID, data: bytes, source: str, way_out: str) -> bytes:
    """What ``source`` answered. ``Untrusted`` (``wrong_bytes``) where it is not the block."""
    if not matches(cid, data):
        raise Untrusted(f"{source} gave wrong bytes for {cid}", code="wrong_bytes", hint=way_out)
    return data


class VerifiedBlocks(ABC):
    """Verified reading and writing over an adapter that finds bytes (``holds``, ``find``) and writes them."""

    where = "here"  # a damaged block lies

    @abstractmethod
    def holds(self, cid: CID) -> bool:
        """Whether there are bytes under this CID's multihash. Not called for identity CIDs."""

    @abstractmethod
    def find(self, cid: CID) -> bytes | None:
        """The stored bytes, unverified; None if there are none."""

    @abstractmethod
    def write_block(self, cid: CID, data: bytes) -> bool:
        """Write a block unchecked; whether it was new. A damaged copy is replaced."""

    def damaged(self, cid: CID) -> NotFound:
        """What to raise for a block that was found damaged."""
        return NotFound(
            f"block {cid} is damaged {self.where} and is treated as missing", code="damaged", hint="import it again."
        )

    def has(self, cid: CID) -> bool:
        """Whether a block lies here (its bytes are checked when it is read)."""
        return cid.hash_code == IDENTITY or self.holds(cid)

    def get(self, cid: CID) -> bytes:
        """The verified bytes. ``NotFound`` if absent or corrupt, ``Unavailable`` if unreadable."""
        if cid.hash_code == IDENTITY:
            return cid.digest
        data = self.find(cid)
        if data is None:
            raise not_here(cid)
        if not matches(cid, data):
            data = self.find_again(cid)
            if data is None or not matches(cid, data):
                raise self.damaged(cid)
        return data

    def find_again(self, cid: CID) -> bytes | None:
        """Bytes once more, unverified, where what came may have been changed on the way."""
        return None

    def put(self, cid: CID, data: bytes) -> None:
        """Keep one block. Wrong bytes: ``Untrusted``. Again: no-op."""
        self.put_if_new(cid, data)

    def put_if_new(self, cid: CID, data: bytes) -> bool:
        """The same; whether it was new."""
        check_block(cid, data)
        return cid.hash_code != IDENTITY and self.write_block(cid, data)

    def put_own(self, cid: CID, data: bytes) -> None:
        """The same for a block whose CID this process has just made from these very bytes: not hashed again."""
        check_size(cid, data)
        if cid.hash_code != IDENTITY:
            self.write_block(cid, data)


class VerifiedStore(VerifiedBlocks):
    """Of ``registry.core.ports.store.BlockStore`` all that needs no pins."""

    @abstractmethod
    def flush(self) -> None:
        """What was put before this call survives a crash after it."""

    def put_many(self, blocks: Iterable[tuple[CID, bytes]]) -> int:
        """Keep many blocks and flush once; returns how many were new."""
        new = sum(self.put_if_new(cid, data) for cid, data in blocks)
        self.flush()
        return new


class VerifiedSource(ABC):
    """A reader that fetches blocks from others; ``has`` fetches the block too."""

    @abstractmethod
    def fetch_block(self, cid: CID) -> bytes:
        """The verified bytes (``believed``). Not called for identity CIDs."""

    def has(self, cid: CID) -> bool:
        """Whether the block can be fetched."""
        try:
            self.get(cid)
        except NotFound:
            return False
        return True

    def get(self, cid: CID) -> bytes:
        """The verified bytes. ``NotFound`` if nobody has them, ``Untrusted`` where they are wrong, ``Unavailable``
        where nobody answers in time."""
        return cid.digest if cid.hash_code == IDENTITY else self.fetch_block(cid)
