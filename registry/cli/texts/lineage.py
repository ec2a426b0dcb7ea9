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
    """What it came from below it, what came from it after that; a node seen before is named, not repeated."""
    kinds = {node["cid"]: node["type"] for node in found["nodes"]}
    for title, near, far in (("came from", "from", "to"), ("led to", "to", "from")):
        yield f"{kinds.get(root, '?')} {root} {title}:"
        seen: set[str] = {root}
        stack = [(root, 1)]
        while stack:
            node, depth = stack.pop()
            for edge in found["edges"]:
                if edge[near] != node:
                    continue
                again = edge[far] in seen
                mark = " (above)" if again else ""
                yield f"{'  ' * depth}{_kin(edge['relation'], str(kinds.get(edge[far], '?')))} {edge[far]}{mark}"
                if not again:
                    seen.add(edge[far])
                    stack.append((edge[far], depth + 1))


def _kin(relation: str, kind: str) -> str:
    """What an edge leads to; a relation that ends with the kind says it already."""
    return relation if relation.endswith(kind) else f"{relation} {kind}"
