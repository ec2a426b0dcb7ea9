"""How far the people who labelled a snapshot's images agree, from the contributions that it names.

Invariant: every image counts that several people labelled, one of them with a label of the classes; the others' labels
may mean no class, and the rule may have left it out for disagreement, or agreement would be judged where there is some.
Of each contributor the newest row counts that the snapshot's query matches.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.snapshots.classes import classes_of, normal
from registry.core.snapshots.query import chosen_images, matcher
from registry.core.snapshots.snapshot import resolve_rows, rows_of_contribution
from registry.evaluation.agreement import Agreement, agreement

Get = Callable[[CID], bytes]


def people_agreement(
    snapshot: records.Snapshot, get: Get, taken_back: Container[tuple[bytes, str, str]] = ()
) -> Agreement | None:
    """None where no image was labelled by several people; without rows that were taken back (image, issuer,
    contributor). Items do not tell: they name only who voted for a class."""
    classes = classes_of(snapshot.classes, snapshot.aliases)
    unknown: dict[str, int] = {}
    votes: dict[bytes, dict[tuple[str, str], int]] = {}
    meets = matcher(snapshot.query, chosen_images(snapshot.query, get))
    for row in resolve_rows(_rows(snapshot, get)):
        if meets(row) and (row["sha256"], row["issuer"], row["contributor"]) not in taken_back:
            label = classes.index_of(row["label"])
            if label is None:
                label = unknown.setdefault(normal(row["label"]), len(snapshot.classes) + len(unknown))
            votes.setdefault(row["sha256"], {})[str(row["issuer"]), str(row["contributor"])] = label
    return agreement(one for one in votes.values() if min(one.values()) < len(snapshot.classes))


def _rows(snapshot: records.Snapshot, get: Get) -> Iterable[dict[str, Any]]:
    for cid in snapshot.contributions:
        yield from rows_of_contribution(records.parse_as(records.Contribution, get(cid)), get)
