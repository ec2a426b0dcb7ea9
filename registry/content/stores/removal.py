"""Which blocks go when some content is taken back, and how the embedded store frees them.

Invariants: what is named goes, and of what lies below it only that to which nothing else leads. ``Places`` is written
before the index forgets the blocks and deleted after their bytes are gone, so a removal that was killed is finished by
the next one. A pack that another process writes can't be rewritten meanwhile: the blocks' bytes are then overwritten
where they lie.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from registry.content.stores.index import Index, Place
from registry.content.stores.packs import Descriptor
from registry.core.errors import NotFound, not_written
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_held
from registry.core.ipld.encoding import LINKING
from registry.core.ports.store import BlockStore
from registry.files import sync_folder, whole_file

Roots = Callable[[], Iterable[CID]]


def doomed(store: BlockStore, denied: Sequence[CID], listed: Roots) -> list[CID]:
    """The blocks at hand that go with ``denied``, what lies below a block before the block.

    ``listed``: roots, beside the pins, whose closures stay (only asked for where ``denied`` holds anything below it).
    """
    gone = {cid.multihash for cid in denied}
    below: list[CID] = []
    with contextlib.suppress(NotFound):  # a damaged one: what hung below it can't be known
        below.extend(walk_held(store, denied, []))
    held = [cid for cid in denied if store.has(cid)]
    if any(cid.multihash not in gone for cid in below):
        kept = {cid.multihash for cid in walk_held(store, [*store.pins(), *listed()], [], gone)}
        below = [cid for cid in below if cid.multihash in gone or cid.multihash not in kept]
    return list(dict.fromkeys(sorted([*reversed(below), *held], key=lambda cid: cid.codec in LINKING)))


class Places:
    """Where the bytes lie that a removal under way has to free: a file of the store's folder."""

    def __init__(self, folder: Path) -> None:
        self._file, self._packs = folder / "removing", folder / "packs"

    def note(self, places: Iterable[Place]) -> None:
        """Write them down, with those that an earlier removal left."""
        told = [*self.read(), *places]
        with whole_file(self._file) as stream:
            stream.write("".join(json.dumps(list(place)) + "\n" for place in told).encode())

    def read(self) -> list[Place]:
        """Those that are still to be freed."""
        try:
            lines = self._file.read_text().splitlines()
        except FileNotFoundError:
            return []
        return [Place(*json.loads(line)) for line in lines]

    def overwrite(self, index: Index) -> None:
        """Overwrite the bytes in packs that are still there, but for blocks that the index names, and forget all."""
        try:
            for pack, offset, length in self.read():
                if any(at == offset for _, at, _ in index.blocks_of(pack)):
                    continue  # killed before the index forgot it
                with contextlib.suppress(FileNotFoundError):
                    file = Descriptor(self._packs / pack, os.O_WRONLY)
                    os.pwrite(file.number, bytes(length), offset)
                    os.fsync(file.number)
            self._file.unlink(missing_ok=True)
            sync_folder(self._file.parent)
        except OSError as error:
            raise not_written("the block store", error) from error
