"""Measure a snapshot's images, each by itself: in this process, or in shards on other machines.

Invariant: the rows are the same however the items were split. A shard returns its rows as one block of the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from registry.core import records
from registry.core.errors import Unavailable, Untrusted
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.ports.method import Item, Row
from registry.core.progress import Progress, silent
from registry.jobs.engines import Engine, Needs
from registry.jobs.queue import Job
from registry.jobs.worker import ATTEMPTS, Check
from registry.workflows.fold_task import read_items
from registry.workflows.parts import Parts
from registry.workflows.training import run_context
from registry.workflows.training.run_context import RunContext

SHARD = 1000  # items at most: their rows fit into one block
MEMORY = 1 << 30


def measure_images(
    context: RunContext, items: list[Item], where: Mapping[bytes, CID], engine: Engine, job: Job, check: Check
) -> list[Row]:
    """One row an item."""
    parts, progress = context.parts, context.progress(check)
    if engine.shards == 1:
        method = parts.method(context.options["method"])
        read = run_context.image_reader(parts.store, where)
        return list(method.measure(items, read, context.values, progress))
    size = min(SHARD, -(-len(items) // engine.shards) or 1)
    starts = range(0, len(items), size)
    done, rows = 0, []
    with ThreadPoolExecutor(max(1, min(engine.shards, len(starts)))) as pool:
        found = pool.map(lambda start: _shard(context, start, size, engine, job, check), starts)
        for start, cid in zip(starts, found, strict=True):
            rows += _rows(parts, cid)
            done = min(len(items), start + size)
            progress("clean", done, len(items))
    return rows


def _shard(context: RunContext, start: int, size: int, engine: Engine, job: Job, check: Check) -> CID:
    spec = {
        "snapshot": str(context.snapshot_cid),
        "method": context.options["method"],
        "values": dict(context.values),
        "start": start,
        "size": size,
        "token": job.fence,
    }
    for attempt in range(1, ATTEMPTS + 1):
        try:
            place = run_context.work_folder(context.parts, context.run) / f"shard-{start}"
            return CID.parse(engine.run("measure", spec, place, Needs(MEMORY), check, lambda _: None)["rows"])
        except Unavailable:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError


def _rows(parts: Parts, cid: CID) -> list[Row]:
    rows = encoding.decode(parts.store.get(cid))
    if not isinstance(rows, list):
        raise Untrusted(f"{cid} does not hold the rows of a cleaning", code="malformed_rows")
    return rows


def measure_in_child(
    parts: Parts, spec: Mapping[str, Any], folder: Path, report: Callable[[Mapping[str, Any]], None]
) -> dict[str, str]:
    """What a child does: some of a snapshot's items, to a block of rows."""
    snapshot = records.parse_as(records.Snapshot, parts.store.get(CID.parse(spec["snapshot"])))
    items, where = read_items(parts.store.get, snapshot)
    mine = items[int(spec["start"]) : int(spec["start"]) + int(spec["size"])]
    read = run_context.image_reader(parts.store, where)
    progress: Progress = silent
    rows = [dict(row) for row in parts.method(spec["method"]).measure(mine, read, spec["values"], progress)]
    data = encoding.encode(rows)
    cid = cid_of(data, DAG_CBOR)
    parts.store.put(cid, data)
    parts.store.flush()
    return {"rows": str(cid)}
