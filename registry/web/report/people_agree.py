"""How far the people who labelled a snapshot's images agree, from the contributions that it names.

Invariant: rows count as the snapshot's rule takes them: the newest of each contributor that its query matches, as
classes; images that were left out for disagreement count too, or agreement would be judged where there is some.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.snapshots.classes import classes_of
from registry.core.snapshots.query import matches
from registry.core.snapshots.snapshot import resolve_rows, rows_of_contribution
from registry.core.table import tables
from registry.evaluation.agreement import Agreement, agreement

Get = Callable[[CID], bytes]


def people_agreement(snapshot: records.Snapshot, items: Iterable[Mapping[str, Any]], get: Get) -> Agreement | None:
    """None where no image was labelled by several people: then no contribution is read. ``items``: its rows."""
    several = any(len(row["contributors"]) > 1 for row in items) or any(
        row["reason"] == "disagreement" for row in tables.rows_as_dicts(snapshot.excluded, get)
    )
    if not several:
        return None
    classes = classes_of(snapshot.classes, snapshot.aliases)
    votes: dict[bytes, dict[tuple[str, str], int]] = {}
    for row in resolve_rows(_rows(snapshot, get)):
        label = classes.index_of(row["label"])
        if label is not None and matches(row, snapshot.query):
            votes.setdefault(row["sha256"], {})[str(row["issuer"]), str(row["contributor"])] = label
    return agreement(votes.values())


def _rows(snapshot: records.Snapshot, get: Get) -> Iterable[dict[str, Any]]:
    for cid in snapshot.contributions:
        yield from rows_of_contribution(records.parse_as(records.Contribution, get(cid)), get)
