"""A lineage in layers, one a type of record, from images to audits; long layers are folded into one node.

Invariants: every node has an address; what is not drawn is in the list; the drawing has at most ``DRAWN`` nodes a
layer, whatever the lineage holds. An arrow is left out where a longer way says the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.signed_records import entries
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.web.pages.releases.release_list import publisher
from registry.workflows.parts import Parts
from registry.workflows.store.find_records import record_lineage
from registry.workflows.store.lineage_status import lineage_with_status

LAYERS = (
    *("image", "contribution", "snapshot", "preprocessing", "plan"),
    *("draw", "training", "evaluation", "release", "audit"),
)
DRAWN = 6  # nodes of a layer; more become one
LISTED = 200  # records of a type
PAGES = {"image": "/images/", "snapshot": "/snapshots/", "release": "/releases/"}


@dataclass(frozen=True)
class Node:
    """A record, an image, or several in one (``folded``, ``count``).

    ``status``: withdrawn, image withdrawn, superseded, not held, or ""."""

    cid: str
    type: str
    href: str
    status: str = ""
    time: str | None = None
    issuer: str | None = None
    count: int = 1
    here: bool = False

    @property
    def folded(self) -> bool:
        """Whether it stands for several, and its ``cid`` is no identifier."""
        return " " in self.cid


@dataclass(frozen=True)
class Lineage:
    """``drawn``: by layer, those that have something; ``edges`` from what came earlier to what came later, by CID;
    ``listed``: every type with its nodes (at most LISTED) and how many there are; ``forks``: logs that fork;
    ``people``: who signed, as ``publisher`` gives them."""

    start: Node
    drawn: tuple[tuple[str, tuple[Node, ...]], ...]
    edges: tuple[tuple[str, str], ...]
    listed: tuple[tuple[str, tuple[Node, ...], int], ...]
    forks: tuple[dict[str, Any], ...] = ()
    people: tuple[dict[str, Any], ...] = ()


def lineage_of(parts: Parts, cid: CID) -> Lineage:
    """What a record came from, and what came from it. ``NotFound`` if nothing knows it."""
    found = lineage_with_status(parts, record_lineage(parts, cid))
    start = _start(parts, cid, found["nodes"])
    nodes = {one["cid"]: _node(one, start) for one in found["nodes"]}
    sizes = {one: count for one, node in nodes.items() if (count := _count(parts, node)) is not None}
    edges = {(edge["to"], edge["from"]) for edge in found["edges"]}
    folds, more = _image_folds(nodes, edges, sizes)
    drawn, links = _drawn({**nodes, **folds}, edges | more)
    return Lineage(
        nodes[start], drawn, links, _listed({**nodes, **folds}), tuple(found["forks"]), _signers(parts, found)
    )


def _signers(parts: Parts, found: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """The issuers among the nodes, each once, this registry's own first; at most ``DRAWN``."""
    issuers = sorted({one["issuer"] for one in found["nodes"] if one["issuer"]})
    people = sorted((publisher(parts, one) for one in issuers), key=lambda one: not one["local"])
    return tuple(people[:DRAWN])


def _start(parts: Parts, cid: CID, nodes: Sequence[Mapping[str, Any]]) -> str:
    """The node that is meant: a record for its entry, an image for any of its CIDs."""
    with parts.catalog.read() as db:
        record, image = str(entries.record_of(db, cid)), images.resolve_image(db, str(cid))
    known = {one["cid"] for one in nodes}
    return next((name for name in (record, image.hex() if image else "") if name in known), str(cid))


def _count(parts: Parts, node: Node) -> int | None:
    """How many images a snapshot holds; None of what is none, or can't be read here."""
    if node.type != "snapshot":
        return None
    try:
        return records.parse_as(records.Snapshot, parts.store.get(CID.parse(node.cid))).count
    except EmotionetError:
        return None


def _node(one: Mapping[str, Any], start: str) -> Node:
    cid = one["cid"]
    href = PAGES.get(one["type"], "/lineage/") + cid
    return Node(cid, one["type"], href, one["status"] or "", one["time"], one["issuer"], here=cid == start)


def _image_folds(
    nodes: Mapping[str, Node], edges: set[tuple[str, str]], sizes: Mapping[str, int]
) -> tuple[dict[str, Node], set[tuple[str, str]]]:
    """Of each snapshot its images as one node, which leads to the contributions, or to the snapshot itself."""
    if any(node.type == "image" for node in nodes.values()):
        return {}, set()
    folds, links = dict[str, Node](), set[tuple[str, str]]()
    for cid, count in sizes.items():
        name = f"images of {cid}"
        folds[name] = Node(name, "image", f"/snapshots/{cid}/items", count=count)
        first = [one for one, other in edges if other == cid and nodes[one].type == "contribution"]
        links |= {(name, one) for one in first or [cid]}
    return folds, links


def _drawn(
    nodes: Mapping[str, Node], edges: set[tuple[str, str]]
) -> tuple[tuple[tuple[str, tuple[Node, ...]], ...], tuple[tuple[str, str], ...]]:
    layers, place = [], dict[str, str]()
    for layer in LAYERS:
        mine = sorted(
            (node for node in nodes.values() if node.type == layer),
            key=lambda node: (not node.here, node.time or "", node.cid),
        )
        shown, folded = (mine, []) if len(mine) <= DRAWN else (mine[: DRAWN - 1], mine[DRAWN - 1 :])
        place |= {node.cid: node.cid for node in shown}
        if folded:
            one = replace(folded[0], cid=f"more of {layer}", href=f"#list-{layer}", status="", here=False)
            shown.append(replace(one, count=sum(node.count for node in folded)))
            place |= {node.cid: one.cid for node in folded}
        if shown:
            layers.append((layer, tuple(shown)))
    links = {(place[one], place[other]) for one, other in edges if one in place and other in place}
    order = {node.cid: index for index, (_, found) in enumerate(layers) for node in found}
    forward = {(one, other) for one, other in links if order[one] < order[other]}
    return tuple(layers), tuple(sorted(_needed(forward)))


def _needed(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Without those that a longer way says too. There are at most ``DRAWN`` nodes in each of ten layers."""
    after: dict[str, set[str]] = {}
    for one, other in edges:
        after.setdefault(one, set()).add(other)

    def reaches(one: str, goal: str) -> bool:
        pending, seen = [one], {one}
        while pending:
            for other in after.get(pending.pop(), ()):
                if other == goal:
                    return True
                if other not in seen:
                    seen.add(other)
                    pending.append(other)
        return False

    return {
        (one, other)
        for one, other in edges
        if not any(reaches(between, other) for between in after[one] if between != other)
    }


def _listed(nodes: Mapping[str, Node]) -> tuple[tuple[str, tuple[Node, ...], int], ...]:
    by_type: dict[str, list[Node]] = {kind: [] for kind in LAYERS}
    for node in sorted(nodes.values(), key=lambda one: (one.type, one.time or "", one.cid)):
        by_type.setdefault(node.type, []).append(node)
    return tuple((kind, tuple(mine[:LISTED]), sum(one.count for one in mine)) for kind, mine in by_type.items() if mine)
