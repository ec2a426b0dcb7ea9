"""Rows of a snapshot: its items, what it leaves out, one image's row with its proof, labels that differ.

Invariants: every row shown was checked; the work of a page is bounded, wherever in the snapshot it lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.catalog.queries.signed_records import snapshots
from registry.core import records
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID
from registry.core.snapshots import checked_tables as snapshot_tables
from registry.core.snapshots.classes import Classes, classes_of, normal
from registry.core.table import tables
from registry.web.pages.windows import ON_A_PAGE, Window, everything, window
from registry.workflows.parts import Parts
from registry.workflows.snapshots.compare_snapshots import compare_snapshots

MEMBERS = 5000  # images whose labels are compared for one page
ANY = object()
Row = Mapping[str, Any]


@dataclass(frozen=True)
class OneRow:
    """An image of a snapshot: its ``item``, or why it is ``excluded``; ``blocks`` and ``size`` (bytes) of the proof."""

    sha256: str
    item: Row | None
    excluded: Row | None
    blocks: int
    size: int


@dataclass(frozen=True)
class ContestedImage:
    """An image about which people differ: what each of them says, and what the rule made of it.

    ``decided``: the class, None where it is left out; ``votes``: how many say each class, words without one left out.
    """

    sha256: str
    said: tuple[Row, ...]
    votes: tuple[tuple[str, int], ...]
    decided: str | None
    excluded: str | None


def items(parts: Parts, record: records.Snapshot, behind: bytes | None, label: object = ANY) -> Window:
    """A page of items by rising sha256; ``label``: only of this class, or (None) without an object."""
    rows = snapshot_tables.items_after(record, behind, parts.store.get)
    return window(rows, everything if label is ANY else lambda row: row["label"] == label)


def excluded(parts: Parts, record: records.Snapshot, behind: bytes | None, reason: str | None) -> Window:
    """A page of what is left out by rising sha256, for this reason, or any."""
    rows = snapshot_tables.excluded_after(record, behind, parts.store.get)
    return window(rows, lambda row: reason is None or row["reason"] == reason)


def one_row(parts: Parts, record: records.Snapshot, sha256: bytes) -> OneRow:
    """``NotFound`` where the snapshot neither holds the image nor leaves it out."""
    get = parts.store.get
    snapshot_tables.check_heads(record, get)
    blocks = tables.prove(record.items, (sha256,), get)
    item = tables.verify_proof(record.items, (sha256,), blocks)
    gone = tables.find(record.excluded, (sha256,), get)
    left_out = None if gone is None else snapshot_tables.left_out(gone)
    if item is None and left_out is None:
        raise NotFound(f"the image {sha256.hex()} is not in this snapshot", hint="look into another one.")
    found = None if item is None else snapshot_tables.item(record, item)
    return OneRow(sha256.hex(), found, left_out, len(blocks), sum(map(len, blocks.values())))


def contested_images(
    parts: Parts, cid: CID, record: records.Snapshot, behind: str
) -> tuple[list[ContestedImage], str | None]:
    """Of a snapshot's next images behind a sha256 (hex, or "") those about which its contributions differ, and what the
    next page begins behind, or None."""
    with parts.catalog.read() as db:
        members = snapshots.members_behind(db, cid, behind, MEMBERS)
        last = members[-1] if members else behind
        said = snapshots.contested_labels(db, cid, record.contributions, behind, last)
    classes = classes_of(record.classes, record.aliases)
    differing = [one for one in sorted(said) if len({_meant(classes, row["label"]) for row in said[one]}) > 1]
    found = [_contested_image(parts, record, classes, sha256, said[sha256]) for sha256 in differing[:ON_A_PAGE]]
    if len(differing) > ON_A_PAGE:
        return found, found[-1].sha256
    return found, last if len(members) == MEMBERS else None


def _meant(classes: Classes, label: str) -> int | str:
    """The class that a label means, or the label itself: ``happy`` beside ``feliz`` is no difference."""
    index = classes.index_of(label)
    return normal(label) if index is None else index


def _contested_image(
    parts: Parts, record: records.Snapshot, classes: Classes, sha256: str, said: list[dict[str, Any]]
) -> ContestedImage:
    key, get = bytes.fromhex(sha256), parts.store.get
    item, left_out = tables.find(record.items, (key,), get), tables.find(record.excluded, (key,), get)
    votes: dict[str, int] = {}
    for row in said:
        if (index := classes.index_of(row["label"])) is not None:
            word = classes.name_of(index) or ""
            votes[word] = votes.get(word, 0) + 1
    return ContestedImage(
        sha256=sha256,
        said=tuple(said),
        votes=tuple(sorted(votes.items(), key=lambda one: (-one[1], one[0]))),
        decided=snapshot_tables.item(record, item)["label"] if item is not None else None,
        excluded=snapshot_tables.left_out(left_out)["reason"] if left_out is not None else None,
    )


def differences(parts: Parts, before: CID, after: CID, behind: bytes | None) -> Window:
    """A page of what two snapshots do not have in common, by rising sha256."""
    return window(compare_snapshots(parts, before, after, behind))
