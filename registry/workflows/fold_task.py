"""One fold's task from records alone: for a run that trains it, and for an audit that trains it again.

Invariant: everything in it follows from the draw's records, but for where its files lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.ports.method import FoldTask, Item, Prepared
from registry.core.run_view import DrawView
from registry.core.table import tables


@dataclass(frozen=True)
class Members:
    """The images of a preprocessing: the snapshot's items, where each lies, and the rows of those that were kept."""

    items: list[Item]
    where: dict[bytes, CID]
    kept: list[Prepared]


def read_members(get: Get, snapshot: records.Snapshot, output: CID) -> Members:
    """By the snapshot's items and a PREPARED table."""
    items, where = read_items(get, snapshot)
    return Members(items, where, [row for row in read_prepared(get, output) if row.reason is None])


def read_items(get: Get, snapshot: records.Snapshot) -> tuple[list[Item], dict[bytes, CID]]:
    """A snapshot's items as a method takes them, and where each image lies."""
    items, where = [], {}
    position: dict[str | None, int | None] = {name: index for index, name in enumerate(snapshot.classes)}
    position[None] = None
    for row in tables.rows_as_dicts(snapshot.items, get):
        boxes = tuple((box[0], box[1], box[2], box[3]) for box in row["boxes"])
        items.append(Item(sha256=row["sha256"], label=position[row["label"]], subject=row["subject"], boxes=boxes))
        where[row["sha256"]] = row["image"]
    return items, where


def read_prepared(get: Get, output: CID) -> list[Prepared]:
    """The rows of a PREPARED table as a method takes them."""
    return [
        Prepared(**{**row, "boxes": tuple(tuple(box) for box in row["boxes"])})
        for row in tables.rows_as_dicts(output, get)
    ]


def fold_task(
    get: Get,
    view: DrawView,
    members: Members,
    fold: int | None,
    *,
    recipe: Mapping[str, Any],
    base: Mapping[str, bytes] | None,
    array: Path,
    index: Mapping[bytes, int],
    folder: Path,
    stop_after: int | None = None,
) -> FoldTask:
    """The task of a fold (None: all images, none judged), of pixels that were made into ``array``."""
    repeat = 0 if fold is None else fold // int(recipe["folds"]["k"])
    folds = {
        row["sha256"]: row["fold"] for row in tables.rows_as_dicts(view.draw.folds, get) if row["repeat"] == repeat
    }
    return FoldTask(
        fold=fold,
        seed=view.plan.seed + repeat,  # another beginning for each repeat, so that `spread` tells of that too
        recipe=recipe,
        classes=view.snapshot.classes,
        array=array,
        index=index,
        rows={row.sha256: row for row in members.kept},
        labels={item.sha256: item.label for item in members.items},
        train=tuple(sorted(sha256 for sha256, member in folds.items() if fold is None or member != fold)),
        validate=tuple(sorted(sha256 for sha256, member in folds.items() if member == fold)),
        base=base,
        workdir=folder,
        stop_after=stop_after,
    )
