"""A thousand releases, signed and indexed as any: ten of each of a hundred snapshots of a thousand images.

Each has a plan with a seed of its own, a draw, and what the simulated release that it is made from was judged by: its
records can be read and its log holds, an audit would not.
"""

from __future__ import annotations

from msgspec.structs import replace

from bench.many_images import images_of, snapshot_of
from registry.assembly import Home
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.run_view import ReleaseView
from registry.workflows.log.append import LogTransaction, appending, put_record

SNAPSHOTS, EACH = 100, 1000


def members(number: int, count: int) -> range:
    """The numbers of the images of a snapshot, all over ``count`` of them."""
    return range(number, count, max(1, count // EACH))


def publish_many(home: Home, made: ReleaseView, count: int, wanted: int) -> None:
    """Publish ``wanted`` releases like ``made``."""
    for number in range(SNAPSHOTS):
        taken = snapshot_of(home, images_of(members(number, count)))
        with appending(home, home.key) as log:
            snapshot = log.append(taken).record
            of = replace(made.preprocessing, snapshot=snapshot)
            home.store.put(records.cid(of), records.encode(of))
            for place in range(wanted // SNAPSHOTS):
                _publish(home, log, made, records.cid(of), number * wanted + place)
    home.store.flush()


def _publish(home: Home, log: LogTransaction, made: ReleaseView, of: CID, seed: int) -> None:
    plan = replace(made.plan, preprocessing=of, seed=seed)
    said = log.append(plan)
    draw = put_record(home, replace(made.draw, plan=said.record))
    log.append(replace(made.release, draw=draw, plan_entry=said.entry))
