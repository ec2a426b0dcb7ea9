"""What the list of snapshots shows, and the head of one snapshot's page.

Invariants: counts are those of tables that were read to their ends; where that takes longer than a page may, they are
None, and the handler of the page starts a task that counts them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from registry.catalog.database.sql import plain
from registry.catalog.queries.signed_records import snapshots
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID, is_cid
from registry.core.snapshots.checked_tables import check_heads
from registry.core.snapshots.query import IMAGES, SNAPSHOT
from registry.core.table import tables
from registry.web.base.figures import nothing
from registry.web.base.words import Words
from registry.workflows.names.references import names_of
from registry.workflows.parts import Parts
from registry.workflows.snapshots.snapshot_counts import AT_ONCE, keep_counts, kept_counts
from registry.workflows.store.read_content import read_as
from registry.workflows.withdrawals.withdrawn import withdrawals_by_snapshot, withdrawals_of, withdrawn_among

ON_A_PAGE = 20
BUDGET = 6000  # of all snapshots on one page of the list
RELEASES = 5  # of each snapshot that a list names
MOST_BARS = 100  # classes that are drawn
Counts = Mapping[str, Any]


@dataclass(frozen=True)
class Listed:
    """``row`` as ``catalog.queries.snapshots`` gives it; ``counts`` None where it is not counted yet."""

    row: Mapping[str, Any]
    counts: Counts | None
    releases: tuple[str, ...]
    names: tuple[str, ...]
    withdrawn: tuple[Mapping[str, Any], ...]  # what was taken back of it and of its images


@dataclass(frozen=True)
class Head:
    """A snapshot with what rests on it. ``left_out``: how many images it leaves out, counted or not."""

    cid: str
    record: records.Snapshot
    row: Mapping[str, Any] | None
    counts: Counts | None
    left_out: int
    releases: tuple[str, ...]
    runs: tuple[Mapping[str, Any], ...]
    preprocessings: tuple[str, ...]
    names: tuple[str, ...]
    withdrawn: tuple[Mapping[str, Any], ...]  # what was taken back of it and of its images

    @property
    def query(self) -> dict[str, Any]:
        """What was demanded of a row, as JSON holds it: a stranger's record may say anything here."""
        found: dict[str, Any] = plain(self.record.query)
        return found

    @property
    def chosen_by(self) -> list[tuple[str, str, str | None]]:
        """Each part of the query: its name, its value as text, and the address of what it links to or names."""
        found: list[tuple[str, str, str | None]] = []
        for name, value in sorted(self.query.items()):
            linked = self.record.query[name]
            if name == IMAGES and isinstance(linked, CID):
                found.append((name, str(linked), f"/ipfs/{linked}"))
            elif name == SNAPSHOT and isinstance(linked, str) and is_cid(linked):
                found.append((name, linked, f"/snapshots/{linked}"))
            else:
                found.append((name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), None))
        return found

    @property
    def gone(self) -> int:
        """How many of its images were withdrawn."""
        return len(withdrawn_among(self.withdrawn))

    @property
    def supersedes(self) -> str | None:
        """The snapshot that it says to replace, as text; None where it names none that can be."""
        try:
            return None if self.record.supersedes is None else str(CID.decode(self.record.supersedes))
        except InvalidInput:
            return None


def snapshot_list(parts: Parts, cursor: str | None) -> tuple[list[Listed], str | None, list[CID]]:
    """A page of snapshots, newest first, the next page's cursor or None, and those that are not counted yet."""
    with parts.catalog.read() as db:
        rows, after = snapshots.list_snapshots(db, cursor, ON_A_PAGE)
        releases = snapshots.releases_of(db, [row["cid"] for row in rows], RELEASES)
        named = names_of(parts, db, [row["cid"] for row in rows])
    taken_back = withdrawals_by_snapshot(parts, rows)
    found, left, later = [], BUDGET, []
    for row in rows:
        cid = CID.parse(row["cid"])
        counts = kept_counts(parts, cid)
        if counts is None and row["count"] <= left and parts.store.has(cid):
            left -= row["count"]
            counts = keep_counts(parts, cid)
        if counts is None and parts.store.has(cid):
            later.append(cid)
        mine = row["cid"]
        above, names = tuple(releases.get(mine, ())), tuple(named.get(mine, ()))
        found.append(Listed(row, counts, above, names, tuple(taken_back.get(mine, ()))))
    return found, after, later


def snapshot_head(parts: Parts, cid: CID) -> Head:
    """Errors as ``read_as``; ``Untrusted`` for tables with other columns or another count than the snapshot states."""
    record = read_as(parts, records.Snapshot, cid)
    with parts.catalog.read() as db:
        row = snapshots.find(db, cid)
        releases = snapshots.releases_of(db, [str(cid)], ON_A_PAGE).get(str(cid), [])
        found, _ = runs.list_runs(db, limit=ON_A_PAGE, snapshot=str(cid))
        preprocessings = snapshots.preprocessings_of(db, cid)
        named = names_of(parts, db, [str(cid)]).get(str(cid), [])
    check_heads(record, parts.store.get)  # what it states is shown
    left_out = tables.read(record.excluded, parts.store.get).count
    counts = kept_counts(parts, cid)
    if counts is None and record.count + left_out <= AT_ONCE:
        counts = keep_counts(parts, cid)
    return Head(
        cid=str(cid),
        record=record,
        row=row,
        counts=counts,
        left_out=left_out,
        releases=tuple(releases),
        runs=tuple(found),
        preprocessings=tuple(preprocessings),
        names=tuple(named),
        withdrawn=tuple(withdrawals_of(parts, cid)),
    )


def label_bars(t: Words, counts: Counts, address: str | None = None) -> list[dict[str, Any]]:
    """The distribution as ``bars`` takes it; ``address``: of the list of items, which a label filters."""
    to = None if address is None else address + "?"
    found = [
        _bar(name, count, to and to + urlencode({"label": name}))
        for name, count in islice(counts["labels"].items(), MOST_BARS)
    ]
    if counts["background"]:
        name = nothing(t, tuple(counts["labels"]))
        found.append(_bar(name, counts["background"], to and to + "background=1"))
    return found


def _bar(name: str, count: int, address: str | None) -> dict[str, Any]:
    return {"label": name, "count": count, "href": address, "current": False}
