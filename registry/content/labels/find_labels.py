"""Where the labels of a folder are: in a table, in COCO's JSON, in YOLO's files, or in one folder per class.

Invariants: a table with our name or Hugging Face's wins. Among several other tables none is guessed. If there are no
labels, the answer says what the folder holds and what was looked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from registry.content.labels.coco import is_coco
from registry.content.labels.image_folder import is_picture, read_image_folder
from registry.content.labels.tables.columns import Mapped
from registry.content.labels.tables.label_tables import MAX_FILE, Labels, read_table
from registry.content.labels.yolo import read_yolo
from registry.content.unixfs.local_tree import Below, Tree, hidden, some_paths
from registry.core.errors import InvalidInput
from registry.core.text.cleaning import counted

TABLES = ("labels.csv", "labels.tsv", "labels.xlsx", "labels.jsonl", "metadata.csv", "metadata.jsonl")
ENDINGS = (".csv", ".tsv", ".xlsx", ".jsonl", ".ndjson")
READ = (
    "labels.csv (comma, semicolon or tab; also .tsv, .xlsx, .jsonl), metadata.csv and metadata.jsonl (Hugging Face), "
    "COCO's JSON, YOLO's folder, and one folder a class"
)
_LOOKED_AT = 50  # files below that might say labels
_CLOSE = {  # what might have been meant, and why it is not read
    ".json": "is JSON, but not whole or not COCO's (images, annotations, categories)",
    ".xls": "is not read: save it as .xlsx or CSV",
    ".ods": "is not read: save it as .xlsx or CSV",
    ".numbers": "is not read: export it as .xlsx or CSV",
    ".txt": "is read as a table only where --labels names it",
    ".zip": "is packed: unpack it first",
}
_WAY_OUT = "write labels.csv with the columns file and label beside the images, or name a table with --labels."


@dataclass(frozen=True)
class NoLabels:
    """Why nothing has a label, and the way out."""

    reason: str
    hint: str


def read_labels(tree: Tree, mapping: Mapped, inside: bool) -> Labels | NoLabels:
    """A folder's labels, and a word where ``mapping`` could mean nothing."""
    found = _read_labels(tree, mapping, inside)
    if mapping and isinstance(found, Labels) and not found.columns:
        return replace(found, notes=(*found.notes, "--map names a table's columns, and there is no table here"))
    return found


def _read_labels(tree: Tree, mapping: Mapped, inside: bool) -> Labels | NoLabels:
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
        return _go_there(tree, below)
    return _others_below(tree, mapping) or read_image_folder(tree) or _wrapped(tree) or _nothing(tree, top, mapping)


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
        f"several tables could be the labels: {some_paths(paths)}",
        code="several_tables",
        hint="name one with --labels.",
    )


def _coco(tree: Tree, mapping: Mapped) -> Labels | None:
    places = ("", "annotations", "annotation")
    paths = [
        path
        for path in tree.listing.files
        if path.lower().endswith(".json")
        and not hidden(path)
        and path.rpartition("/")[0] in places
        and is_coco(tree.read(path, MAX_FILE))
    ]
    if len(paths) > 1:
        raise _several(paths)
    return _read(tree, paths[0], mapping) if paths else None


def _below(tree: Tree) -> list[str]:
    """Tables of our name in folders below, the outermost first."""
    found = [path for path in tree.listing.files if PurePosixPath(path).name.casefold() in TABLES]
    depth = min((path.count("/") for path in found), default=0)
    return [path for path in found if path.count("/") == depth]


def _go_there(tree: Tree, tables: list[str]) -> NoLabels:
    """Tables lie below: where the pictures lie too, that folder is imported; else the table is named beside it."""
    runs: dict[str, None] = {}
    for table in tables:
        folder = table.rpartition("/")[0].removesuffix("annotations").rstrip("/")
        pictures = any(is_picture(path) for path in tree.listing.files if path.startswith(f"{folder}/"))
        there = f"{tree.name}/{folder}" if pictures else f"{tree.name} --labels {tree.name}/{table}"
        runs[f"`emotionet import {there}`"] = None
    return NoLabels(
        f"there are no labels in it, but there are in {some_paths(tables)}", f"run {some_paths(list(runs), 2)}."
    )


def _others_below(tree: Tree, mapping: Mapped) -> NoLabels | None:
    """Tables of other names and COCO's JSON in folders below, as Roboflow has them for each split."""
    ends = (*ENDINGS, ".json")
    named = [path for path in tree.listing.files if "/" in path and path.lower().endswith(ends) and not hidden(path)]
    found = [path for path in named[:_LOOKED_AT] if _says(tree, path, mapping)]
    return _go_there(tree, found) if found else None


def _wrapped(tree: Tree) -> NoLabels | None:
    """One folder a class, in a folder that holds nothing else."""
    inside = Below.of(tree)
    while inside is not None:
        if read_image_folder(inside) is not None:
            reason = (
                f"there are no labels in it, but one folder per class in {inside.name.removeprefix(tree.name)[1:]}/"
            )
            return NoLabels(reason, f"run `emotionet import {inside.name}`.")
        inside = Below.of(inside)
    return None


def _says(tree: Tree, path: str, mapping: Mapped) -> bool:
    """Whether a file is a table of labels."""
    if path.lower().endswith(".json"):
        return is_coco(tree.read(path, MAX_FILE))
    try:
        _read(tree, path, mapping)
    except InvalidInput:
        return False
    return True


def _nothing(tree: Tree, top: Sequence[str], mapping: Mapped) -> NoLabels:
    """The reason why there are no labels, by what the folder holds."""
    for path in top:
        if path.lower().endswith(ENDINGS) and not hidden(path):
            try:
                _read(tree, path, mapping)
            except InvalidInput as error:
                return NoLabels(f"{path} can't be used as labels: {error}", error.hint or _WAY_OUT)
    links = tree.listing.outside
    if links:
        many = counted(len(links), "link leads", "links lead")
        return NoLabels(f"nothing in it gives labels, and {many} out of it: {some_paths(links)}", "try --follow-links.")
    kinds = Counter(PurePosixPath(path).suffix.lower() or "no suffix" for path in tree.listing.files)
    lie = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(5))
    odd = [path for path in tree.listing.files if not hidden(path) and path.lower().endswith(tuple(_CLOSE))]
    near = f"; {odd[0]} {_CLOSE[PurePosixPath(odd[0]).suffix.lower()]}" if odd else ""
    found = f"nothing in it gives labels (it holds {lie})" if lie else "there is no file in it"
    return NoLabels(f"{found}{near}; what is read: {READ}", _WAY_OUT)
