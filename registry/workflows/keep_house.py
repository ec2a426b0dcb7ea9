"""Upkeep of store and catalog: verify, collect garbage, count, rebuild."""

from __future__ import annotations

import itertools
from typing import Any

from registry.catalog import releases, snapshots
from registry.catalog.rebuild import rebuild
from registry.content.embedded import EmbeddedStore
from registry.core.cid import CID
from registry.core.dag import walk_closure
from registry.core.errors import EmotionetError, UsageError
from registry.workflows.parts import Parts, Progress


def _embedded(parts: Parts) -> EmbeddedStore:
    if not isinstance(parts.store, EmbeddedStore):
        raise UsageError("this command is for the embedded store only")
    return parts.store


def verify_store(parts: Parts, progress: Progress) -> list[dict[str, Any]]:
    """Every block against its CID, and every pin's closure."""
    bad = [str(problem) for problem in _embedded(parts).verify()]
    checks: list[dict[str, Any]] = [
        {"name": "blocks", "ok": not bad, "detail": "; ".join(bad[:10]) or "every block hashes to its CID"}
    ]
    for done, root in enumerate(parts.store.pins(), 1):
        progress("pins", done, 0)
        try:
            count = sum(1 for _ in walk_closure(parts.store.get, [root]))
            checks.append({"name": f"pin {root}", "ok": True, "detail": f"{count} blocks"})
        except EmotionetError as error:
            checks.append({"name": f"pin {root}", "ok": False, "detail": str(error)})
    return checks


def _kept_roots(parts: Parts) -> list[CID]:
    """What the catalog still speaks of, beside the pins."""
    with parts.catalog.read() as db:
        found = itertools.chain(
            snapshots.list_snapshots(db, cursor=None, limit=1_000_000)[0],
            releases.list_releases(db, cursor=None, limit=1_000_000)[0],
        )
        entries = [CID.parse(row["entry"]) for row in found]
        return entries + [CID.parse(text) for text in _log_entries(parts)]


def _log_entries(parts: Parts) -> list[str]:
    from registry.catalog import entries

    with parts.catalog.read() as db:
        return [row["cid"] for row in entries.all_entries(db)]


def collect_garbage(parts: Parts) -> dict[str, Any]:
    """Free what neither a pin nor the log reaches; a running job's blocks are kept by refusing to start."""
    from registry.catalog import runs

    with parts.catalog.read() as db:
        busy = [
            row["run"]
            for row in runs.list_runs(db, cursor=None, limit=1_000_000)[0]
            if row["status"] in {"queued", "running"}
        ]
    if busy:
        raise UsageError(f"run {busy[0]} is under way: wait for it, or cancel it first")
    return dict(_embedded(parts).gc(_kept_roots(parts)))


def store_stat(parts: Parts) -> dict[str, Any]:
    """Counts of blocks, bytes and pins."""
    return dict(_embedded(parts).stat())


def rebuild_catalog(parts: Parts) -> dict[str, Any]:
    """Refill the catalog from the records in the store."""
    found = rebuild(parts.catalog, parts.store.get, parts.store.cids(), parts.now(), issuers={parts.key.did})
    return dict(found)
