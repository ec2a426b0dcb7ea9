"""Import of a CAR file: staged, all or nothing.

Invariants: nothing reaches the store unless every block verified and the closure of every root is
complete; what a stranger's file may cost in bytes and blocks is bounded.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from registry.content.embedded import EmbeddedStore
from registry.core import car
from registry.core.cid import CID
from registry.core.dag import walk_closure
from registry.core.errors import InvalidInput, NotFound, Untrusted
from registry.core.store import BlockStore

MAX_BYTES = 64 << 30
MAX_BLOCKS = 50_000_000


@dataclass(frozen=True)
class Limits:
    """What one CAR file may cost."""

    bytes: int = MAX_BYTES
    blocks: int = MAX_BLOCKS


def import_car(store: BlockStore, stream: IO[bytes], limits: Limits | None = None) -> list[CID]:
    """Import all blocks; returns the roots. ``Untrusted`` or ``InvalidInput`` leaves the store as it was."""
    limit = limits or Limits()
    roots = list(car.read_header(stream))
    with tempfile.TemporaryDirectory(prefix="emotionet-car-") as folder:
        staged = EmbeddedStore(Path(folder))
        total = 0
        cids: list[CID] = []
        for cid, data in car.read_blocks(stream):
            total += len(data)
            if total > limit.bytes or len(cids) >= limit.blocks:
                raise InvalidInput(
                    f"the CAR file holds more than {limit.bytes} bytes or {limit.blocks} blocks", code="too_large"
                )
            staged.put(cid, data)
            cids.append(cid)
        _check_complete(store, staged, roots)
        store.put_many((cid, staged.get(cid)) for cid in cids)
    return roots


def _check_complete(store: BlockStore, staged: EmbeddedStore, roots: list[CID]) -> None:
    """Every root's closure is in the file, or held already."""

    def get(cid: CID) -> bytes:
        return staged.get(cid) if staged.has(cid) else store.get(cid)

    try:
        for _ in walk_closure(get, roots):
            pass
    except NotFound as error:
        raise Untrusted(f"the CAR file is incomplete: {error}", code="car_incomplete") from error
