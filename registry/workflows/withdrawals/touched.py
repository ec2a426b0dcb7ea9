"""What a withdrawal touches: all that this registry knows to rest on a thing, each with what becomes of it.

``affected``: snapshots and releases; ``runs``: of this home, on these snapshots; ``exported``: what left this registry
and is known to have: it can't be called back, so those who have it can only be told. A model has learned from an image,
so no release is made good by deleting bytes: its remedy is a notice, or a training without the image.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from registry.catalog.queries import exported
from registry.catalog.queries.signed_records import lineage, withdrawn_rows
from registry.catalog.queries.training_runs import runs
from registry.core.records import Remedy
from registry.workflows.parts import Parts
from registry.workflows.runs.control_run import ENDED


def touched(parts: Parts, name: str, remedy: Remedy) -> dict[str, list[dict[str, Any]]]:
    """``affected`` (``cid, type, remedy``), ``runs`` (``run, status, snapshot, remedy``) and ``exported`` (``cid, form,
    time, remedy``) of an image's sha256 in hex, or of a record."""
    with parts.catalog.read() as db:
        affected = lineage.touched(db, name)
    return _with_runs(parts, name, affected, remedy)


def touched_by_rows(parts: Parts, sha256s: Collection[str], remedy: Remedy) -> dict[str, list[dict[str, Any]]]:
    """The same of what was said of some images."""
    with parts.catalog.read() as db:
        snapshots = sorted(withdrawn_rows.snapshots_of(db, sha256s))
        found = {cid: {"cid": cid, "type": "snapshot"} for cid in snapshots}
        for cid in snapshots:
            found |= {one["cid"]: one for one in lineage.touched(db, cid)}
    affected = sorted(found.values(), key=lambda one: (one["type"], one["cid"]))
    return _with_runs(parts, "", affected, remedy)


def _with_runs(
    parts: Parts, name: str, affected: list[dict[str, str]], remedy: Remedy
) -> dict[str, list[dict[str, Any]]]:
    with parts.catalog.read() as db:
        snapshots = [one["cid"] for one in affected if one["type"] == "snapshot"]
        on_these = runs.on_snapshots(db, snapshots)
        left = exported.of(db, [name, *(one["cid"] for one in affected)])
    return {
        "affected": [{**one, "remedy": _of_record(one["type"], remedy)} for one in affected],
        "runs": [{**one, "remedy": _of_run(one["status"], remedy)} for one in on_these],
        "exported": [{**one, "remedy": "notice"} for one in left],
    }


def _of_record(kind: str, remedy: Remedy) -> str:
    return remedy if kind == "snapshot" or remedy == "retrain" else "notice"


def _of_run(status: str, remedy: Remedy) -> str:
    if remedy == "remove_bytes":
        return "notice" if status in ENDED else "stop"
    return remedy
