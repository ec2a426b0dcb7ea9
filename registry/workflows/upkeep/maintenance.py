"""Upkeep of store and catalog: verify, collect garbage, count, rebuild."""

from __future__ import annotations

from typing import Any

from registry.catalog.database.database import Connection
from registry.catalog.index.rebuild import rebuild
from registry.catalog.marks import settle
from registry.catalog.queries.roots import named_roots
from registry.catalog.queries.signed_records import withdrawals
from registry.catalog.queries.training_runs import runs
from registry.core.errors import EmotionetError, UsageError
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_closure
from registry.core.ports.store import UpkeptStore
from registry.core.progress import Progress
from registry.core.text.cleaning import counted
from registry.workflows.follow.records_taken import index_followed
from registry.workflows.images.kept_thumbnails import KeptThumbnails
from registry.workflows.local_issuers import local_issuers
from registry.workflows.log.append import finish_pending
from registry.workflows.log.index_logs import held_entries_before, index_sorted, sorted_out
from registry.workflows.parts import Parts
from registry.workflows.training.run_context import drop_pixels
from registry.workflows.withdrawals.files_of_home import remove_files
from registry.workflows.withdrawals.remove_bytes import held_though_withdrawn, remove_withdrawn, some_still_here


def _upkept(parts: Parts) -> UpkeptStore:
    store = parts.store
    if not isinstance(store, UpkeptStore):
        raise UsageError(
            "an IPFS node's blocks are not for this command",
            hint="use the node's own commands, or unset EMOTIONET_IPFS_API for the store in this home.",
        )
    return store


def verify_store(parts: Parts, progress: Progress) -> list[dict[str, Any]]:
    """Every block against its CID, and every pin's closure."""
    bad = [str(problem) for problem in _upkept(parts).verify()]
    checks: list[dict[str, Any]] = [
        {"name": "blocks", "ok": not bad, "detail": "; ".join(bad[:10]) or "every block hashes to its CID"}
    ]
    checks.append(_withdrawn(parts))
    with parts.catalog.read() as db:
        denied = {cid.multihash for cid in withdrawals.cids_of_withdrawn(db)}
    for done, root in enumerate(parts.store.pins(), 1):
        progress("pins", done, 0)
        gone = set[CID]()

        def left_out(cid: CID, gone: set[CID] = gone) -> bool:
            if cid.multihash in denied and not parts.store.has(cid):
                gone.add(cid)
            return cid in gone

        try:
            count = sum(1 for _ in walk_closure(parts.store.get, [root], left_out))
            without = f", without {len(gone)} withdrawn images" if gone else ""
            checks.append({"name": f"pin {root}", "ok": True, "detail": f"{counted(count, 'block')}{without}"})
        except EmotionetError as error:
            checks.append({"name": f"pin {root}", "ok": False, "detail": str(error)})
    return checks


def _withdrawn(parts: Parts) -> dict[str, Any]:
    """Whether the bytes of withdrawn images are gone that had to go."""
    with parts.catalog.read() as db:
        held = held_though_withdrawn(parts, db)
    told = some_still_here(held) if held else "no bytes are left of what had to go"
    return {"name": "withdrawn", "ok": not held, "detail": told}


def collect_garbage(parts: Parts) -> dict[str, Any]:
    """Delete the blocks that nothing refers to, and images that were rightfully withdrawn, even if something still
    refers to them.

    See ``EmbeddedStore.gc`` for the counts; ``denied``: withdrawn and still stored. Safe beside running jobs:
    everything that a run has recorded is listed, and what it is about to record is too new to be deleted.
    """
    store = _upkept(parts)
    remove_withdrawn(parts)
    with parts.catalog.read() as db:
        listed, denied = named_roots(db), withdrawals.cids_of_withdrawn(db)
        ended = runs.ended(db)
    remove_files(parts, {cid.digest.hex() for cid in denied})  # of each image one CID is raw
    for run in ended:  # pixels of a run that was stopped: one that is taken up again makes them anew
        drop_pixels(parts, run)
    report = store.gc(listed, {cid.multihash for cid in denied})
    KeptThumbnails(parts.settings.home).forget(cid.digest.hex() for cid in denied)  # of each image one CID is raw
    return {**report, "withdrawn": sum(store.has(cid) for cid in denied)}


def store_stat(parts: Parts) -> dict[str, Any]:
    """Counts of blocks, bytes and pins."""
    return dict(_upkept(parts).stat())


def rebuild_catalog(parts: Parts) -> dict[str, Any]:
    """Refill the catalog from the records in the store: this home's logs, and what was imported of others', all in one
    transaction. So at no moment something is here again and its withdrawal, which may be a stranger's, is not."""
    own = local_issuers(parts)
    for issuer in sorted(own):
        finish_pending(parts, issuer)
    imported = sorted_out(parts, held_entries_before(parts, parts.store.pins()))
    wrong: list[str] = []

    def others(db: Connection) -> None:
        index_followed(parts, db)
        wrong.extend(index_sorted(parts, db, imported))

    found = rebuild(parts.catalog, parts.store.get, parts.store.cids(), parts.now(), issuers=own, also=others)
    settle(parts.catalog)
    parts.catalog.analyze()
    told = {one["problem"] for one in found["problems"]}
    more = [{"cid": None, "problem": said} for said in dict.fromkeys(wrong) if said not in told]
    return {**found, "problems": [*found["problems"], *more]}
