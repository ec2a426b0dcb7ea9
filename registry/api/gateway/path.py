"""Where a content path leads: through directories, sharded ones and the values of dag-cbor blocks.

Invariants: every block that a client needs to check the path is listed in its order. A symbolic link is never followed.
``check`` is called for every block before its bytes are read, so it decides what may be served.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from registry.content.unixfs import reader
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB
from registry.core.ports.store import BlockReader


@dataclass(frozen=True, slots=True)
class Way:
    """``roots``: the block that each part of the path begins at, the target last; ``passed``: every block before
    the target, nodes of sharded directories among them."""

    roots: tuple[CID, ...]
    passed: tuple[CID, ...]

    @property
    def target(self) -> CID:
        """The block that the path ends at, or within."""
        return self.roots[-1]


def find(store: BlockReader, root: CID, path: str, check: Callable[[CID], None]) -> Way:
    """The way from ``root`` along ``path``; ``check`` raises for a block that is not given out.

    A path may end within a dag-cbor block, which is then its target. ``NotFound`` if it leads nowhere.
    """
    check(root)
    roots, passed = [root], list[CID]()
    names = [name for name in path.split("/") if name]
    while names:
        here = roots[-1]
        try:
            target, between, used = _step(store, here, names)
        except InvalidInput as error:
            raise NotFound(f"{here} has no readable {names[0][:100]!r}: {error}") from error
        if target is None:
            break
        for cid in (*between, target):
            check(cid)
        passed += [here, *between]
        roots.append(target)
        names = names[used:]
    return Way(tuple(roots), tuple(passed))


def _step(store: BlockReader, here: CID, names: Sequence[str]) -> tuple[CID | None, list[CID], int]:
    """The next block (None: the path ends within this one), the nodes passed on the way, the names used up."""
    if here.codec == DAG_PB:
        target, between = reader.lookup(store, here, names[0])
        return target, between, 1
    if here.codec != DAG_CBOR:
        raise NotFound(f"{here} has no {names[0][:100]!r}: nothing lies below a block of codec {here.codec:#x}")
    value = encoding.decode(store.get(here))
    for used, name in enumerate(names, 1):
        value = _member(here, value, name)
        if isinstance(value, CID):
            return value, [], used
    return None, [], len(names)


def _member(here: CID, value: Any, name: str) -> Any:
    """A map's value by its key, a list's by its index."""
    if isinstance(value, dict) and name in value:
        return value[name]
    if isinstance(value, list) and name.isascii() and name.isdecimal() and len(name) < 10:
        index = int(name)
        if index < len(value) and str(index) == name:
            return value[index]
    raise NotFound(f"{here} has no {name[:100]!r} there")
