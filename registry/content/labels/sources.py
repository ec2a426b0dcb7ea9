"""Where a folder says its labels: in a table, in COCO's JSON, in YOLO's files, or by one folder a class.

Invariants: a table named as ours or as Hugging Face's wins; of several others none is guessed; where nothing fits the
answer says what lies there and what was looked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from registry.content.labels.coco import is_coco
from registry.content.labels.columns import Mapped
from registry.content.labels.image_folder import read_image_folder
from registry.content.labels.tables import MAX_FILE, Labels, read_table
from registry.content.labels.yolo import read_yolo
from registry.content.tree import Tree, shown
from registry.core.errors import InvalidInput

TABLES = ("labels.csv", "labels.tsv", "labels.xlsx", "labels.jsonl", "metadata.csv", "metadata.jsonl")
ENDINGS = (".csv", ".tsv", ".xlsx", ".jsonl", ".ndjson")
READ = (
    "labels.csv (comma, semicolon or tab; also .tsv, .xlsx, .jsonl), metadata.csv and metadata.jsonl (Hugging Face), "
    "COCO's JSON, YOLO's folder, and one folder a class"
)
_WAY_OUT = "write labels.csv with the columns file and label beside the images, or name a table with --labels."


@dataclass(frozen=True)
class NoLabels:
    """Why nothing has a label, and the way out."""

    reason: str
    hint: str


def read_labels(tree: Tree, mapping: Mapped, inside: bool) -> Labels | NoLabels:
    """A folder's labels. ``inside``: a single folder below it that holds a table is gone into (what came by CID or CAR
    is often wrapped). ``InvalidInput`` where a table is there and can't be read, or several are."""
    top = [path for path in tree.listing.files if "/" not in path]
    found = _table(tree, top, mapping) or _coco(tree, mapping) or read_yolo(tree)
    if found is not None:
        return found
    below = _below(tree)
    if len(below) == 1 and inside:
        base = below[0].rpartition("/")[0] + "/"
        made = _read(tree, below[0], mapping)
        return replace(made, base=base, notes=(*made.notes, f"the labels were found in {base}"))
    if below:
        folders = dict.fromkeys(f"`emotionet import {tree.name}/{one.rpartition('/')[0]}`" for one in below)
        return NoLabels(f"there are no labels in it, but in {shown(below)}", f"run {shown(list(folders), 2)}.")
    return read_image_folder(tree) or _nothing(tree, top, mapping)


def _read(tree: Tree, path: str, mapping: Mapped) -> Labels:
    return read_table(tree.read(path, MAX_FILE + 1), path, mapping)


def _table(tree: Tree, top: Sequence[str], mapping: Mapped) -> Labels | None:
    """The table beside the images."""
    by_name = {path.casefold(): path for path in reversed(top)}
    for name in TABLES:
        if name in by_name:
            return _read(tree, by_name[name], mapping)
    fits: dict[str, Labels] = {}
    for path in top:
        if path.lower().endswith(ENDINGS):
            try:
                fits[path] = _read(tree, path, mapping)
            except InvalidInput:
                continue
    if len(fits) > 1:
        raise _several(list(fits))
    return next(iter(fits.values()), None)


def _several(paths: list[str]) -> InvalidInput:
    return InvalidInput(
        f"several tables could be the labels: {shown(paths)}", code="several_tables", hint="name one with --labels."
    )


def _coco(tree: Tree, mapping: Mapped) -> Labels | None:
    places = ("", "annotations", "annotation")
    paths = [
        path
        for path in tree.listing.files
        if path.lower().endswith(".json") and path.rpartition("/")[0] in places and is_coco(tree.read(path, MAX_FILE))
    ]
    if len(paths) > 1:
        raise _several(paths)
    return _read(tree, paths[0], mapping) if paths else None


def _below(tree: Tree) -> list[str]:
    """Tables of our name in folders below, the outermost first."""
    found = [path for path in tree.listing.files if PurePosixPath(path).name.casefold() in TABLES]
    depth = min((path.count("/") for path in found), default=0)
    return [path for path in found if path.count("/") == depth]


def _nothing(tree: Tree, top: Sequence[str], mapping: Mapped) -> NoLabels:
    """What lies there instead."""
    for path in top:
        if path.lower().endswith(ENDINGS):
            try:
                _read(tree, path, mapping)
            except InvalidInput as error:
                return NoLabels(f"{path} gives no labels: {error}", error.hint or _WAY_OUT)
    kinds = Counter(PurePosixPath(path).suffix.lower() or "no suffix" for path in tree.listing.files)
    lie = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(5)) or "nothing"
    return NoLabels(f"nothing in it says a label ({lie}); what is read: {READ}", _WAY_OUT)
