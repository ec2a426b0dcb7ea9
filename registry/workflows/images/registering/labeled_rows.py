"""A labeled image as it is registered, from whatever source; and several rows of one image merged.

Invariants: of one image by one contributor comes one statement. Rows with the same label are one statement with all
their boxes (most tables have one row per box). A value that one row leaves out may come from another row. Rows that
contradict each other are all refused; none is dropped silently. Boxes lie inside the image wherever its size is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from registry.content.labels.boxes import bounded, fit, in_pixels
from registry.content.labels.label_row import LabelRow, Rejection, rejected
from registry.core.errors import EmotionetError, InvalidInput
from registry.core.ipld.cid import CID
from registry.core.labeling.labeled_row import ANNOTATION_FIELDS, MAPS, PICTURE, PREFIXES, TEXTS, Annotation
from registry.core.snapshots.use import says_no
from registry.imaging.inspect_image import Picture


class NewRow(Annotation, frozen=True, kw_only=True, omit_defaults=True):
    """One label as it is to be registered; ``contributor`` is filled in, ``subject`` is still a name."""

    row: int
    name: str
    sha256: bytes
    cid: CID
    size: int
    contributor: str
    signature: bytes | None = None  # the contributor's own, not checked yet
    held: bool = True  # its bytes are in the store; False: only that the image is known
    table: str = ""
    note: str | None = None  # what was changed on the way in, or is to be known, for whoever is answered
    read: dict[str, str] | None = None  # what the picture says of its own use; None: its bytes were not looked at

    @property
    def key(self) -> tuple[bytes, str]:
        """Whose statement about what it is."""
        return self.sha256, self.contributor

    @property
    def reserves(self) -> bool:
        """Whether it, or the picture itself, says no to training or data mining; the picture's own word counts."""
        stated = {name: said for name, said in self.rights.items() if self.read is None or not name.startswith(PICTURE)}
        return says_no({**stated, **(self.read or {})})


WITHDRAWN = "the image is withdrawn: it is neither served nor taken into snapshots"
TAKEN_BACK = "what this contributor says here was withdrawn: it counts nowhere"


@dataclass(frozen=True)
class Fitted:
    """Rows whose boxes lie in their pictures, those that were refused, and what was cut, a sentence a row."""

    rows: tuple[NewRow, ...]
    rejected: tuple[Rejection, ...]
    cut: tuple[tuple[NewRow, str], ...]


def new_row(
    row: LabelRow, sha256: bytes, size: int, cid: CID, contributor: str, read: Mapping[str, str] | None = None
) -> NewRow:
    """A row whose image was found; ``contributor`` says it where the row names nobody, ``read``: what the picture
    says of its own use."""
    return NewRow(
        row=row.row,
        name=row.file or "",
        sha256=sha256,
        cid=cid,
        size=size,
        contributor=row.contributor or contributor,
        signature=row.signature,
        table=row.table,
        read=None if read is None else dict(read),
        **{name: getattr(row, name) for name in ANNOTATION_FIELDS},
    )


def rejection(row: NewRow, error: EmotionetError) -> Rejection:
    """The row, refused for what the error says."""
    return rejected(row.row, row.name or str(row.cid), error, row.table)


def fit_boxes(rows: Iterable[tuple[NewRow, Picture | None]]) -> Fitted:
    """Each row's boxes cut to its picture; a row with a box outside it is refused."""
    kept: list[NewRow] = []
    refused: list[Rejection] = []
    cut: list[tuple[NewRow, str]] = []
    for row, picture in rows:
        try:
            fitted, what = fit_row(row, picture)
        except InvalidInput as error:
            refused.append(rejection(row, error))
            continue
        kept.append(fitted)
        if what is not None:
            cut.append((row, what))
    return Fitted(tuple(kept), tuple(refused), tuple(cut))


def fit_row(row: NewRow, picture: Picture | None) -> tuple[NewRow, str | None]:
    """The row with its boxes cut to its picture, and a sentence about what was cut. ``InvalidInput`` for a box that
    lies outside."""
    if not row.boxes or picture is None or not picture.width:
        return row, None
    boxes, clipped = fit(row.boxes, picture.width, picture.height)
    which = ", ".join(in_pixels(box) for box in clipped)
    cut = f"cut to the picture of {picture.width} x {picture.height} pixels: the box {which}" if clipped else None
    return replace(row, boxes=boxes), cut


def merge(rows: Iterable[NewRow]) -> tuple[list[NewRow], list[Rejection]]:
    """One row for each (image, contributor), at the place of its first; every row of a contradiction is refused."""
    grouped: dict[tuple[bytes, str], list[NewRow]] = {}
    for row in rows:
        grouped.setdefault(row.key, []).append(row)
    kept: list[NewRow] = []
    refused: list[Rejection] = []
    for group in grouped.values():
        if len(group) == 1:
            kept.append(group[0])
            continue
        try:
            kept.append(one_statement(group))
        except InvalidInput as error:
            refused += [rejection(row, error) for row in group]
    return kept, sorted(refused, key=lambda one: one.row)


def too_many_rows() -> InvalidInput:
    """Why rows are refused that are more than any statement can be made of."""
    return InvalidInput(
        "these are too many rows of one image by one contributor",
        code="too_many_rows_of_one_image",
        hint="give each box once, and no row twice.",
    )


def one_statement(group: Sequence[NewRow]) -> NewRow:
    """One statement of several rows. ``InvalidInput`` names what they contradict each other in."""
    lines = ", ".join(str(row.row) for row in group[:10]) + (", …" if len(group) > 10 else "")
    labels = sorted({row.label for row in group})
    if len({row.label for row in group if row.boxes}) > 1:
        raise InvalidInput(
            f"the boxes of one image have several labels: {' and '.join(labels[:10])} (rows {lines})",
            code="several_labels",
            hint="an image has one label: keep the boxes of one, or cut the picture into one image a face.",
        )
    if len(labels) > 1:
        raise InvalidInput(
            f"the same image has two labels by one contributor: {' and '.join(labels[:10])} (rows {lines})",
            code="contradicting_labels",
            hint="keep one; labels by several people need the column contributor.",
        )
    if any(row.signature for row in group):
        return _same_signed(group, lines)
    texts = {name: _agreed(name, [getattr(row, name) for row in group], lines) for name in TEXTS}
    maps = {name: _together(PREFIXES[name], [getattr(row, name) for row in group], lines) for name in MAPS}
    return replace(group[0], boxes=bounded(box for row in group for box in row.boxes), **texts, **maps)


def _same_signed(group: Sequence[NewRow], lines: str) -> NewRow:
    """A row that somebody signed is all that they say: another beside it is the same, or contradicts it."""
    first = group[0]
    if any(replace(row, row=first.row, name=first.name, table=first.table) != first for row in group):
        raise InvalidInput(
            f"the rows {lines} have the same image and contributor but differ, and one of them is signed",
            code="contradicting_rows",
            hint="keep only the signed row.",
        )
    return first


def _together(prefix: str, maps: Sequence[Mapping[str, str]], lines: str) -> dict[str, str]:
    names = dict.fromkeys(name for one in maps for name in one)
    agreed = {name: _agreed(prefix + name, [one.get(name) for one in maps], lines) for name in names}
    return {name: value for name, value in agreed.items() if value is not None}


def _agreed(name: str, values: Sequence[str | None], lines: str) -> str | None:
    given = sorted({value for value in values if value is not None})
    if len(given) > 1:
        raise InvalidInput(
            f"the rows {lines} of one image contradict each other in {name}: {' and '.join(given[:10])}",
            code="contradicting_rows",
            hint="keep one value: all rows of an image make one statement.",
        )
    return given[0] if given else None
