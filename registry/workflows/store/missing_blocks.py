"""Which blocks somebody with a token need not send again.

Invariants: a block counts as here only if it is published, or if it lies below a root that this very token sent. All
else is told to be missing, whether or not it is held: neither the answer nor the time that it takes tells of a private
folder, of an unpublished run or of what others sent. What counts as here is complete, down to its last block.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from registry.catalog.queries.roots import published_among, withdrawn_among
from registry.catalog.queries.sent_roots import sent_by
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID, IDENTITY
from registry.core.ipld.dag import check_present
from registry.core.ipld.encoding import LINKING, links
from registry.core.ports.store import BlockReader
from registry.workflows.local_issuers import local_issuers
from registry.workflows.parts import Parts

MAX_WALK = 1_000_000  # blocks below one root


@dataclass(frozen=True)
class Missing:
    """Of the CIDs that were asked for, in their order: what has to be sent, and what was withdrawn and must not be."""

    missing: tuple[CID, ...]
    withdrawn: tuple[CID, ...]


def missing_of(parts: Parts, token: str, cids: Sequence[CID]) -> Missing:
    """Of a list. Identity CIDs carry their own bytes and are never missing."""
    asked = [cid for cid in dict.fromkeys(cids) if cid.hash_code != IDENTITY]
    names = [str(cid) for cid in asked]
    with parts.catalog.read() as db:
        withdrawn = withdrawn_among(db, names)
        known = (published_among(db, names, local_issuers(parts)) | sent_by(db, token, names)) - withdrawn
    return Missing(
        tuple(
            cid for cid in asked if str(cid) not in withdrawn and not (str(cid) in known and _whole(parts.store, cid))
        ),
        tuple(cid for cid in asked if str(cid) in withdrawn),
    )


def _whole(store: BlockReader, root: CID) -> bool:
    try:
        check_present(store, [root])
    except (NotFound, InvalidInput):
        return False
    return True


def missing_below(parts: Parts, token: str, root: CID, left_out: Callable[[], Container[bytes]]) -> list[bool]:
    """Of what a root reaches, depth first in the order of the links, each block once: whether it is missing.

    Nothing is listed below a missing block, nor below what ``left_out`` holds (multihashes of blocks that are not
    given out), which are told to be missing. ``InvalidInput`` (``too_large``) beyond ``MAX_WALK`` blocks.
    """
    if root.hash_code == IDENTITY:
        return []
    if not _shown(parts, token, root):
        return [True]
    hidden, found, seen, stack = left_out(), list[bool](), set[CID](), [root]
    while stack:
        cid = stack.pop()
        if cid in seen or cid.hash_code == IDENTITY:
            continue
        seen.add(cid)
        if len(seen) > MAX_WALK:
            raise InvalidInput(f"{root} reaches more than {MAX_WALK} blocks", code="too_large", hint="ask in parts.")
        below = _links(parts.store, cid) if cid.multihash not in hidden else None
        found.append(below is None)
        stack += reversed(below or [])
    return found


def _shown(parts: Parts, token: str, root: CID) -> bool:
    with parts.catalog.read() as db:
        return str(root) in published_among(db, [str(root)], local_issuers(parts)) | sent_by(db, token, [str(root)])


def _links(store: BlockReader, cid: CID) -> list[CID] | None:
    """A block's links; None for one that is not here."""
    if cid.codec not in LINKING:
        return [] if store.has(cid) else None
    try:
        return links(store.get(cid), cid.codec)
    except NotFound:
        return None
    except InvalidInput:
        return []
