"""A lineage for people: as a tree, and for Graphviz."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def dot(found: Mapping[str, Any]) -> Iterable[str]:
    yield "digraph lineage {"
    for node in found["nodes"]:
        yield f'  "{node["cid"]}" [label="{node["type"]}\\n…{node["cid"][-8:]}"];'
    for edge in found["edges"]:
        yield f'  "{edge["from"]}" -> "{edge["to"]}" [label="{edge["relation"]}"];'
    yield "}"


def tree(root: str, found: Mapping[str, Any]) -> Iterable[str]:
    """What it came from, each node below the one that names it; then what came from it, in the same way.

    A node that stands further above already is marked, and what is below it is not repeated.
    """
    kinds = {node["cid"]: node["type"] for node in found["nodes"]}
    for title, near, far, words in (("came from", "from", "to", _came), ("led to", "to", "from", _led)):
        kin: dict[str, list[tuple[str, str]]] = {}
        for edge in found["edges"]:
            kin.setdefault(edge[near], []).append((words(edge["relation"], str(kinds.get(edge[far], "?"))), edge[far]))
        nothing = "" if root in kin else " nothing that is known here"
        yield f"{kinds.get(root, '?')} {root} {title}:{nothing}"
        yield from _below(root, kin)


def _below(root: str, kin: Mapping[str, list[tuple[str, str]]]) -> Iterable[str]:
    """A line for each of a node's kin, followed by its own."""
    seen = {root}
    stack = [(1, *one) for one in reversed(kin.get(root, []))]
    while stack:
        depth, words, node = stack.pop()
        yield f"{'  ' * depth}{words} {node}{' (above)' if node in seen else ''}"
        if node not in seen:
            seen.add(node)
            stack += [(depth + 1, *one) for one in reversed(kin.get(node, []))]


def relation_text(relation: str) -> str:
    """A relation in the field's words."""
    return "signs" if relation == "says" else relation


def _came(relation: str, kind: str) -> str:
    """What an edge leads to; a relation that ends with the kind names it already."""
    return relation if relation.endswith(kind) else f"{relation_text(relation)} {kind}"


_PASSIVE = {
    "says": "signed by",
    "anchors": "anchored by",
    "withdraws": "withdrawn by",
    "audits": "audited by",
    "names": "named by",
    "supersedes": "superseded by",
    "corrects": "corrected by",
    "replacement": "is the replacement in",
    "labels": "labeled by",
    "holds": "held by",
    "excludes": "excluded by",
}


def _led(relation: str, kind: str) -> str:
    """What came from a node, as seen from there."""
    return f"{_PASSIVE[relation]} {kind}" if relation in _PASSIVE else kind
