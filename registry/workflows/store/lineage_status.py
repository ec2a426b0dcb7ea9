"""What became of the records of a lineage: withdrawn, withdrawn in part, superseded, not held, and whose logs fork.

Invariants: a withdrawal counts here only by the issuer of what it withdraws, or as
``registry.workflows.withdrawals.withdrawn`` lets one of an image count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.workflows.log.forks import forks_of
from registry.workflows.parts import Parts
from registry.workflows.withdrawals.withdrawn import withdrawals_among, withdrawn_among

BACK = {"supersedes": "superseded", "withdraws": "withdrawn"}  # relation -> what its far end is then


def lineage_with_status(parts: Parts, found: Mapping[str, Any]) -> dict[str, Any]:
    """The same ``nodes`` and ``edges``, each node with its ``status`` (None: nothing to say), and ``forks``: issuers of
    the nodes whose logs fork."""
    status = _status(parts, found)
    issuers = {one["issuer"] for one in found["nodes"] if one["issuer"]}
    nodes = [{**one, "status": status.get(one["cid"])} for one in found["nodes"]]
    return {"nodes": nodes, "edges": found["edges"], "forks": forks_of(parts, issuers)}


def _status(parts: Parts, found: Mapping[str, Any]) -> dict[str, str]:
    """By CID: not held, superseded by the same issuer, withdrawn in part (an image of it), or withdrawn; the last
    counts most."""
    issuers = {one["cid"]: one["issuer"] for one in found["nodes"]}
    status = {one["cid"]: "not held" for one in found["nodes"] if not _held(parts, one)}
    for relation, word in BACK.items():
        for edge in found["edges"]:
            by, of = issuers.get(edge["from"]), issuers.get(edge["to"])
            if edge["relation"] == relation and (of is None or by == of):
                status[edge["to"]] = word
    asked = [
        [one["cid"] for one in found["nodes"] if one["type"] == kind and status.get(one["cid"]) != "withdrawn"]
        for kind in ("release", "snapshot")
    ]
    for cid, taken_back in withdrawals_among(parts, *asked).items():
        if withdrawn_among(taken_back):
            status[cid] = "image withdrawn"
    return status


def _held(parts: Parts, one: Mapping[str, Any]) -> bool:
    """Whether its block lies here; of an image, which has many names, its page says it."""
    if one["type"] == "image":
        return True
    try:
        return parts.store.has(CID.parse(one["cid"]))
    except EmotionetError:
        return True  # it is no CID: tensors by their digest
