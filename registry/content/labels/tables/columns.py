"""Which column of a table has which meaning: by the usual names of columns, or by ``--map``.

Invariants: names are compared in NFC, trimmed, ignoring case. ``--map`` wins over names, our own names over others'. A
column without a known meaning is left out and reported, never guessed. Where no label or no file is among the columns,
``InvalidInput`` (``bad_labels``) lists the columns.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from registry.content.labels.boxes import from_corners, parse_box
from registry.content.labels.label_row import FIELDS
from registry.core.errors import InvalidInput, UsageError
from registry.core.labeling.labeled_row import PREFIXES, column_field
from registry.core.picture_bytes import SUFFIXES
from registry.core.ports.method import Box

NAMES = {
    "file": (
        "filename",
        "file_name",
        "file name",
        "image",
        "path",
        "filepath",
        "file_path",
        "image_path",
        "image_name",
    ),
    "label": ("class", "class_name", "category", "labels"),
    "subject": ("person",),
    "contributor": ("annotator", "labeler"),
    "licence": ("license",),
    "box": ("bbox", "boxes"),
}
CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
)
SIDES = (("x", "y", "w", "h"), ("bbox_x", "bbox_y", "bbox_w", "bbox_h"))
MAX_COLUMNS = 1000
Mapped = Mapping[str, str]  # field -> the column that means it


class UnknownColumns(InvalidInput):
    """A header in which no column means label, or none file and cid; ``header`` is what it has."""

    header: tuple[str, ...] = ()


@dataclass(frozen=True)
class Columns:
    """``taken``: the field that each column means, by its place; ``edges``: places of a box in four columns."""

    header: tuple[str, ...]
    taken: Mapping[int, str]
    edges: tuple[int, ...] = ()
    corners: bool = False

    def sources(self) -> dict[str, str]:
        """Field to the column from which it was taken, by the table's own name."""
        found = {field: self.header[place] for place, field in self.taken.items()}
        if self.edges:
            found["box"] = " ".join(self.header[place] for place in self.edges)
        return found

    def left_out(self) -> list[str]:
        """Columns with a name that mean nothing here."""
        return [name for place, name in enumerate(self.header) if name and place not in (*self.taken, *self.edges)]

    def cells(self, line: Sequence[str]) -> tuple[dict[str, str], tuple[Box, ...]]:
        """A line's cells by field, and the box that four of them make. ``InvalidInput`` if it has not the header's."""
        if len(line) < len(self.header) or any(cell.strip() for cell in line[len(self.header) :]):
            raise InvalidInput(f"the row has {len(line)} cells where the header has {len(self.header)}", code="bad_row")
        cells = {field: line[place] for place, field in self.taken.items()}
        edges = [line[place] for place in self.edges]
        if not any(edge.strip() for edge in edges):
            return cells, ()
        return cells, (from_corners(*edges) if self.corners else parse_box(" ".join(edges)),)


def normalized(name: str) -> str:
    """A column's name as it is compared."""
    return unicodedata.normalize("NFC", name).strip().casefold()


def check_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """Parse ``FIELD=COLUMN`` options. ``UsageError`` for an unknown field."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not equals or not column.strip() or not (field in FIELDS or column_field(field)):
            named = " or ".join(f"{prefix}NAME" for prefix in PREFIXES.values())
            raise UsageError(
                f"--map takes FIELD=COLUMN, not {pair!r}",
                hint=f"FIELD is one of {', '.join(FIELDS)}, or {named}; COLUMN is a column of the table.",
            )
        mapping[field] = column
    return mapping


def understand(given: Sequence[str], mapping: Mapped, table: str) -> Columns:
    """What a header's columns mean. ``InvalidInput`` (``bad_labels``) without label and one of file and cid."""
    header = tuple(unicodedata.normalize("NFC", name).strip() for name in given)
    while header and not header[-1]:  # Excel's empty columns
        header = header[:-1]
    if len(header) > MAX_COLUMNS:
        raise InvalidInput(f"{table} has more than {MAX_COLUMNS} columns", code="bad_labels")
    names = [normalized(name) for name in header]
    taken = _mapped(names, mapping, table, header)
    for place, name in enumerate(names):
        field = name if name in FIELDS else column_field(header[place])
        if place not in taken and field is not None:
            if field in taken.values():
                if field in mapping:
                    continue
                raise InvalidInput(
                    f"{table} has the column {field} twice", code="bad_labels", hint="rename one of them."
                )
            taken[place] = field
    _by_other_names(names, taken)
    edges, corners = _edges(names, taken)
    if "label" not in taken.values() or not {"file", "cid"} & set(taken.values()):
        raise _nothing_fits(header, taken, table)
    return Columns(header, dict(sorted(taken.items())), edges, corners)


def _mapped(names: list[str], mapping: Mapped, table: str, header: Sequence[str]) -> dict[int, str]:
    taken: dict[int, str] = {}
    for field, column in mapping.items():
        if names.count(normalized(column)) != 1:
            what = "occurs twice in" if normalized(column) in names else "is not a column of"
            raise InvalidInput(f"{column!r} {what} {table}", code="bad_labels", hint=f"it has: {_listed(header)}.")
        taken[names.index(normalized(column))] = field
    return taken


def _by_other_names(names: list[str], taken: dict[int, str]) -> None:
    for field, others in NAMES.items():
        for other in others:
            if field not in taken.values() and other in names and names.index(other) not in taken:
                taken[names.index(other)] = field


def _edges(names: list[str], taken: Mapping[int, str]) -> tuple[tuple[int, ...], bool]:
    """Places of a box that stands in four columns, and whether they are its corners."""
    if "box" in taken.values():
        return (), False
    for four in (*CORNERS, *SIDES):
        if all(names.count(name) == 1 and names.index(name) not in taken for name in four):
            return tuple(names.index(name) for name in four), four in CORNERS
    return (), False


def _listed(header: Sequence[str]) -> str:
    shown = [name[:60] for name in header if name][:20]
    return ", ".join(shown) + (", …" if len(header) > len(shown) else "") if shown else "no column with a name"


def _nothing_fits(header: Sequence[str], taken: Mapping[int, str], table: str) -> InvalidInput:
    lacking = "label" if "label" not in taken.values() else "file"
    both = lacking == "label" and not {"file", "cid"} & set(taken.values())
    what = "neither is there" if both else f"{'file (or cid)' if lacking == 'file' else 'label'} is not there"
    hint = f"say which column it is: --map {lacking}=COLUMN."
    if both and any(name.lower().endswith(SUFFIXES) for name in header):
        hint = "write a line above it that names the columns: file,label."
    error = UnknownColumns(
        f"{table} needs the columns label and file (or cid) in its first line, and {what}: it has {_listed(header)}",
        code="bad_labels",
        hint=hint,
    )
    error.header = tuple(header)
    return error
