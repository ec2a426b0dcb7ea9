"""`python -m bench snapshots [IMAGES [FOLDER]]`: a snapshot of a million images: taken, compared, proved, and its size.

A home is made first, which takes longer than all that is measured; in a folder that is named it stays, and the next
call begins with what is there. Wall seconds and processor seconds: the second does
not change with what else the machine does. Goals are those of docs/benchmarks.md.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.measure import peak
from bench.stored_images import SIZE, fill
from registry.assembly import Home, open_home
from registry.cli.main import COLLECT
from registry.core import records
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.table import tables
from registry.settings import read_settings
from registry.workflows.snapshots.compare_snapshots import compare_snapshots
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.read_content import read_as

COUNT, CHANGED, PROOFS = 1_000_000, 1000, 200


def _measured(what: str, work: Callable[[], Any]) -> Any:
    wall, processor = time.perf_counter(), time.process_time()
    found = work()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{what:44} {wall:7.1f} s   {processor:7.1f} s of processor   peak {peak() / 1e6:5.0f} MB", flush=True)
    return found


def _another(home: Home, items: CID, count: int) -> CID:
    """The same table with ``CHANGED`` rows of another label, spread over it."""
    step = max(1, count // CHANGED)
    writer = tables.TableWriter(records.SNAPSHOT_ITEMS, home.store.put_own)
    place = records.SNAPSHOT_ITEMS.columns.index("label")
    for number, row in enumerate(tables.iterate(items, home.store.get)):
        changed = list(row)
        if number % step == 0:
            changed[place] = "triste" if row[place] != "triste" else "feliz"
        writer.add(changed)
    return writer.end()


def _compare(home: Home, snapshot: CID) -> int:
    record = read_as(home, records.Snapshot, snapshot)
    value = records.to_value(record) | {"items": _another(home, record.items, record.count)}
    data = encoding.encode(value)
    other = cid_of(data, DAG_CBOR)
    home.store.put_many([(other, data)])
    return len(_measured("difference of two", lambda: list(compare_snapshots(home, snapshot, other))))


def _proofs(home: Home, record: records.Snapshot) -> list[int]:
    """Bytes of proofs, of images that are in and of digests that are not."""
    found = []
    for number in range(PROOFS):
        key = number.to_bytes(2, "big") * 16
        found.append(sum(map(len, tables.prove(record.items, (key,), home.store.get).values())))
    return found


def _table_bytes(home: Home, table: CID) -> int:
    size, pending = 0, [table]
    while pending:
        cid = pending.pop()
        data = home.store.get(cid)
        size += len(data)
        pending += [one for one in encoding.links(data, cid.codec) if one.codec == cid.codec]
    return size


def main(given: Sequence[str]) -> None:
    """Print it."""
    gc.set_threshold(*COLLECT)  # as every command does
    count = int(given[0]) if given else COUNT
    with tempfile.TemporaryDirectory(prefix="emotionet-bench-") as folder:
        at = Path(given[1] if len(given) > 1 else folder) / "home"
        filled = at.exists()
        home = open_home(read_settings({"EMOTIONET_HOME": str(at)}))
        if not filled:
            home.catalog.upgrade()
            fill(home, count)
        measure(home)
        home.close()


def measure(home: Home) -> None:
    """All of it, in a home that was filled."""
    done = _measured("snapshot of all", lambda: take_snapshot(home))
    snapshot = CID.parse(done["snapshot"])
    record = read_as(home, records.Snapshot, snapshot)
    _measured("the same again", lambda: take_snapshot(home))
    print(f"{_compare(home, snapshot)} rows differ")
    sizes = _proofs(home, record)
    print(f"proof: median {statistics.median(sizes) / 1024:.0f} KiB, largest {max(sizes) / 1024:.0f} KiB")
    bytes_ = _table_bytes(home, record.items)
    print(
        f"table: {bytes_ / record.count:.0f} bytes an image, {100 * bytes_ / record.count / SIZE:.2f} % of {SIZE} bytes"
    )
