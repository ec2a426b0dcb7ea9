"""One labeled row, from whatever table, folder or request, and the reason if it is rejected.

Invariants: an accepted row has exactly one of file and cid, and clean text (``registry.core.text.cleaning``). Its file
name is as written (its exact bytes are tried first) and does not lead out of the folder. Boxes are in hundredths of a
pixel and at least one pixel wide and high. ``row`` is the line of the table (in a sheet the row, in COCO the
annotation's number from 1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from registry.content.labels.boxes import parse_boxes
from registry.core.errors import EmotionetError, InvalidInput
from registry.core.ipld.cid_texts import canonical
from registry.core.labeling import row_signature
from registry.core.labeling.labeled_row import PREFIXES, TEXTS, Annotation, clean
from registry.core.ports.method import Box
from registry.core.text import cleaning

FIELDS = ("file", "cid", "label", "contributor", *TEXTS, "box", "signature")
NO_LABEL = "and so no label: a table of their own (--labels) may give them one that a classes file calls nothing"
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


class LabelRow(Annotation, frozen=True, kw_only=True, omit_defaults=True):
    """One checked row. Exactly one of ``file`` and ``cid`` is given; ``table`` is the file that says it."""

    row: int
    file: str | None
    cid: str | None
    contributor: str | None = None
    signature: bytes | None = None
    table: str = ""

    @property
    def name(self) -> str:
        """How a person finds it."""
        return self.file or self.cid or ""


@dataclass(frozen=True)
class Rejection:
    """A row that is not registered, and why. ``code`` is a stable word."""

    row: int
    name: str
    code: str
    reason: str
    table: str = ""


def rejected(row: int, name: str, error: EmotionetError, table: str = "") -> Rejection:
    """A row that an error is about; the way out stands behind the reason."""
    reason = f"{error}; {error.hint.rstrip('.')}" if error.hint else str(error)
    return Rejection(row, name[:200], error.code, reason, table)


def check_inside(name: str) -> str:
    """A relative path that stays inside its folder, normalised. ``InvalidInput`` (``path_outside``) otherwise.

    With backslashes as separators it must stay inside too.
    """
    path, as_windows = PurePosixPath(name), PurePosixPath(name.replace("\\", "/"))
    leads_out = any(one.is_absolute() or ".." in one.parts or not one.parts for one in (path, as_windows))
    if "\0" in name or leads_out or _DRIVE.match(name):
        raise InvalidInput(
            f"{name!r} lies outside the folder",
            code="path_outside",
            hint="write names relative to the folder that is imported.",
        )
    return str(path)


def _place(cells: Mapping[str, str]) -> tuple[str | None, str | None]:
    file, cid = cells.get("file", ""), cells.get("cid", "").strip()
    if file.strip():
        return check_inside(cleaning.check("file", file)), None
    if not cid:
        raise InvalidInput("the row names no file and no cid", code="no_file_or_cid")
    try:
        return None, canonical(cid)
    except InvalidInput as error:
        raise InvalidInput(str(error), code="bad_cid") from error


def make_row(row: int, cells: Mapping[str, str], table: str = "", boxes: tuple[Box, ...] = ()) -> LabelRow:
    """A row from its cells by field (``FIELDS``, and texts by name under ``PREFIXES``); a blank cell is one left out.

    ``InvalidInput`` says what is wrong.
    """
    given = {name: value for name, value in cells.items() if value.strip() or name in ("label", "file")}
    maps = {
        field: {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}
        for field, prefix in PREFIXES.items()
    }
    return row_from_values(row, given, maps, (*parse_boxes(given.get("box", "")), *boxes), table)


def row_from_values(
    row: int, given: Mapping[str, str], maps: Mapping[str, Mapping[str, str]], boxes: tuple[Box, ...], table: str = ""
) -> LabelRow:
    """A row from its values by field; a text that is given must not be blank."""
    file, cid = _place(given)
    return LabelRow(
        row=row,
        file=file,
        cid=cid,
        contributor=cleaning.clean_given("contributor", given.get("contributor")),
        boxes=boxes,
        signature=row_signature.parse(given["signature"]) if "signature" in given else None,
        table=table,
        **clean(given.get("label", ""), given, maps),
    )
