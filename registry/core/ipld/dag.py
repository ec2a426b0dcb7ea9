"""Walks over blocks and their links: iterative, bounded by what is there, each block once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Container, Iterable, Iterator, Sequence

from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID, IDENTITY
from registry.core.ipld.encoding import LINKING, links
from registry.core.ports.store import AsksTogether, BlockReader, missing_from, read_ahead

Get = Callable[[CID], bytes]
TOGETHER = 32  # blocks that are asked for at once
_LEAVES = 5000  # blocks without links of which is asked at once whether they are there


class MissingBlock(NotFound):
    """A block that is not held here, ``cid``."""

    def __init__(self, cid: CID, where: str, hint: str | None = None) -> None:
        super().__init__(f"block {cid} is not {where}", hint=hint)
        self.cid = cid


def not_here(cid: CID) -> NotFound:
    """What to raise for a block that a store does not hold."""
    return MissingBlock(cid, "held here", hint="import it, or a CAR file of it.")


def walk_closure(
    get: Get,
    roots: Iterable[CID],
    leave_out: Callable[[CID], bool] = lambda cid: False,
    ahead: Callable[[Sequence[CID]], None] | None = None,
) -> Iterator[tuple[CID, bytes]]:
    """All that links reach from ``roots``, each block once, depth first in the order of the links.

    ``leave_out`` names subtrees that are passed over; ``ahead`` is told of blocks, some together, before they are got.
    Identity CIDs carry their own bytes and are not given.
    """
    stack = list(reversed(list(roots)))
    seen: set[CID] = set()
    told: set[CID] = set()
    while stack:
        if ahead is not None and stack[-1] not in told:
            coming = [one for one in stack[: -TOGETHER - 1 : -1] if one not in seen and not leave_out(one)]
            ahead(coming)
            told.update(coming)
        cid = stack.pop()
        if cid in seen or leave_out(cid):
            continue
        seen.add(cid)
        if cid.hash_code == IDENTITY:
            stack += reversed(dict.fromkeys(links(cid.digest, cid.codec)))
            continue
        data = get(cid)
        yield cid, data
        stack += reversed(dict.fromkeys(links(data, cid.codec)))  # each once, however often it stands there


def walk_present(
    store: BlockReader, roots: Iterable[CID], leave_out: Callable[[CID], bool] = lambda cid: False
) -> Iterator[CID]:
    """The same CIDs in the same order, without reading blocks that can hold no links: they are only asked for.

    ``NotFound`` names the first missing block. Damaged blocks are not looked for: `store verify` does that.
    """
    there: set[CID] = set()

    def ahead(coming: Sequence[CID]) -> None:
        read_ahead(store, [cid for cid in coming if cid.codec in LINKING])
        leaves = [cid for cid in coming if cid.codec not in LINKING]
        there.update(set(leaves).difference(missing_from(store, leaves)))

    def get(cid: CID) -> bytes:
        if cid.codec in LINKING:
            return store.get(cid)
        if cid not in there and not store.has(cid):
            raise not_here(cid)
        return b""

    return (cid for cid, _ in walk_closure(get, roots, leave_out, ahead if isinstance(store, AsksTogether) else None))


def check_present(store: BlockReader, roots: Iterable[CID]) -> None:
    """``NotFound`` for a block that ``roots`` reach and the store lacks. As ``walk_present``, at a fraction of its cost
    where most blocks can hold no links: these are asked for in their thousands, and not remembered."""
    stack, seen, told, leaves = list(reversed(list(roots))), set[CID](), set[CID](), list[CID]()
    while stack:
        if stack[-1] not in told:
            coming = stack[-TOGETHER:]
            read_ahead(store, [cid for cid in coming if cid.codec in LINKING])
            told.update(coming)
        cid = stack.pop()
        if cid in seen:
            continue
        seen.add(cid)
        below = links(store.get(cid), cid.codec) if cid.codec in LINKING else [cid]
        stack += [one for one in reversed(below) if one.codec in LINKING]
        leaves += [one for one in below if one.codec not in LINKING]
        if not stack or len(leaves) >= _LEAVES:
            if missing := missing_from(store, leaves):
                raise not_here(missing[0])
            leaves = []


def walk_held(
    store: BlockReader, roots: Iterable[CID], absent: list[CID], leave_out: Container[bytes] = ()
) -> Iterator[CID]:
    """The same, passing over what is not there, which is added to ``absent``, and what does not read as its codec says.

    ``leave_out`` holds multihashes of blocks that are passed over with all below them.

    ``NotFound`` (``damaged``) for a block that is there and does not verify: what hangs below it can't be known.
    """
    stack, seen = list(reversed(list(roots))), set[CID]()
    while stack:
        cid = stack.pop()
        if cid in seen or cid.multihash in leave_out:
            continue
        seen.add(cid)
        if not store.has(cid):
            absent.append(cid)
            continue
        yield cid
        if cid.codec in LINKING:
            with contextlib.suppress(InvalidInput):
                stack += reversed(links(store.get(cid), cid.codec))
