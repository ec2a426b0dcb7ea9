"""Takes blocks out of a Kubo node that its pins hold.

A recursive pin needs all that is below it. So each one that reaches what goes is replaced: the blocks on the way are
pinned alone, what else hangs below them with all of its own. Invariant: what stays is pinned anew before the old pin
goes, but for the root itself, which the node pins in one way only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from registry.content.stores.removal import Roots, doomed
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_closure
from registry.core.ipld.encoding import links

if TYPE_CHECKING:
    from registry.content.stores.kubo import KuboStore


def remove(store: KuboStore, denied: Sequence[CID], listed: Roots) -> int:
    """How many blocks went, those below others first."""
    gone = doomed(store, denied, listed)
    for cid in gone:
        _release(store, cid, set(gone))
        if store.has(cid):
            store.drop(cid)
    return len(gone)


def _release(store: KuboStore, cid: CID, gone: Collection[CID]) -> None:
    """Until no pin holds a block."""
    while (held := store.pinned_by(cid)) is not None:
        how, root = held
        if how == "indirect":
            _split(store, root, gone)
        else:
            store.unpin(cid, recursive=how == "recursive")


def _split(store: KuboStore, root: CID, gone: Collection[CID]) -> None:
    """Replace a recursive pin by pins of all that it holds but ``gone``."""
    below = {cid: links(data, cid.codec) for cid, data in walk_closure(store.get, [root], gone.__contains__)}
    above = _leading_to(below, gone)
    beside = {cid for one in above for cid in below[one] if cid not in above and cid not in gone}
    for cid in sorted(beside, key=str):
        if (held := store.pinned_by(cid)) is None or held[0] != "recursive":
            store.pin(cid)
    for cid in sorted(above - {root}, key=str):
        if (held := store.pinned_by(cid)) is None or held[0] == "indirect":
            store.pin_alone(cid)
    store.unpin(root)
    if root not in gone:
        store.pin_alone(root)


def _leading_to(below: dict[CID, list[CID]], gone: Iterable[CID]) -> set[CID]:
    """The blocks from which links lead to any of these."""
    parents: dict[CID, list[CID]] = {}
    for cid, found in below.items():
        for one in found:
            parents.setdefault(one, []).append(cid)
    above: set[CID] = set()
    pending = list(gone)
    while pending:
        for cid in parents.get(pending.pop(), ()):
            if cid not in above:
                above.add(cid)
                pending.append(cid)
    return above
