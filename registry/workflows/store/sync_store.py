"""Publish from one store to another: copy everything public, pin it there, and read it back.

Invariants: nothing private and no withdrawn image is sent. A block that the target has is not sent again, so an
interrupted sync can be repeated. Success is reported only after every block of every closure was read back from the
target and hashed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from registry.catalog.queries.roots import published_roots
from registry.catalog.queries.signed_records.withdrawals import withdrawn_cids
from registry.core.errors import NotFound, Unavailable
from registry.core.ipld.cid import CID, IDENTITY
from registry.core.ipld.dag import TOGETHER, walk_closure, walk_held
from registry.core.ports.store import FLUSH_BYTES, BlockStore, missing_from, read_ahead
from registry.core.progress import Progress, silent
from registry.workflows.parts import Parts
from registry.workflows.store.private_blocks import private_blocks


def sync(
    parts: Parts, source: BlockStore, target: BlockStore, names: tuple[str, str], progress: Progress = silent
) -> dict[str, Any]:
    """Copy and read back; the document of `emotionet store sync --json`. ``Unavailable`` if it can't be said.

    ``withheld`` counts CIDs of withdrawn images, which are left out, ``absent`` blocks that the source lacks; a root
    that reaches either is copied as far as it goes, and not pinned.
    """
    with parts.catalog.read() as db:
        withheld = {cid.multihash for cid in withdrawn_cids(db)}
        closed = withheld | private_blocks(parts)
        roots = [cid for cid in published_roots(db) if cid.multihash not in closed]
    absent: list[CID] = []
    held = [cid for cid in walk_held(source, roots, absent, closed) if cid.hash_code != IDENTITY]
    sent = _copy(source, target, held, progress)
    gaps = closed | {cid.multihash for cid in absent}
    pinned = _pin(target, roots, gaps, progress)
    _read_back(target, held, names[1], progress)
    return {
        "from": names[0],
        "to": names[1],
        "roots": len(roots),
        "pinned": pinned,
        "blocks": len(held),
        "sent": sent[0],
        "bytes": sent[1],
        "withheld": len(withheld),
        "absent": [str(cid) for cid in absent],
        "published": True,
    }


def _copy(source: BlockStore, target: BlockStore, cids: list[CID], progress: Progress) -> tuple[int, int]:
    """Send what the target lacks; how many blocks and bytes."""
    count = size = waiting = 0
    for done, (cid, lacks) in enumerate(_lacking(target, cids), 1):
        if lacks:
            data = source.get(cid)
            target.put(cid, data)
            count, size, waiting = count + 1, size + len(data), waiting + len(data)
        if waiting > FLUSH_BYTES:
            target.flush()
            waiting = 0
        progress("send", done, len(cids))
    target.flush()
    return count, size


def _lacking(target: BlockStore, cids: list[CID]) -> Iterator[tuple[CID, bool]]:
    """Each, and whether the target lacks it; asked for some at a time."""
    for start in range(0, len(cids), TOGETHER):
        some = cids[start : start + TOGETHER]
        lacked = set(missing_from(target, some))
        yield from ((cid, cid in lacked) for cid in some)


def _read_back(target: BlockStore, cids: list[CID], name: str, progress: Progress) -> None:
    """Read what was sent; every block is hashed. ``Unavailable`` names one that does not come back."""
    for done, cid in enumerate(cids):
        if done % TOGETHER == 0:
            read_ahead(target, cids[done : done + TOGETHER])
        try:
            target.get(cid)
        except NotFound as error:
            raise Unavailable(
                f"{name} does not return what was sent to it: {error}", hint="run the same command again."
            ) from error
        progress("read back", done + 1, len(cids))


def _pin(target: BlockStore, roots: list[CID], gaps: set[bytes], progress: Progress) -> int:
    """Pin each root that is whole and that no root before it reaches; how many."""
    reached: set[bytes] = set()
    pinned = 0
    for done, root in enumerate(roots, 1):
        progress("pin", done, len(roots))
        if root.multihash in reached:
            continue
        closure = set(_closure(target, root, gaps))
        if closure & gaps:
            continue
        target.pin(root)
        reached |= closure
        pinned += 1
    return pinned


def _closure(target: BlockStore, root: CID, gaps: set[bytes]) -> Iterator[bytes]:
    """Multihashes that a root reaches, up to gaps, which are among them."""
    found: list[bytes] = []

    def gap(cid: CID) -> bool:
        if cid.multihash in gaps:
            found.append(cid.multihash)
            return True
        return False

    for cid, _ in walk_closure(target.get, [root], gap):
        yield cid.multihash
    yield from found
