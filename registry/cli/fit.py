"""A table cut to the width of a terminal: ids are shortened in the middle, then columns are left out, then texts end
with "…".

Invariants: nothing is cut where all of it fits. A shortened id still tells its row from every other in the table; that
of a record or an image can be typed as it is shown (``registry.workflows.names.resolve``). The first column is never
left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

HEAD, TAIL = 6, 4  # signs that are left of an id after its common start, and at its end
NARROWEST = 8  # no column is cut to less, unless the terminal itself is narrower than all of them
GAP = 2  # blanks between columns
_ID = re.compile(
    r"(?P<did>did:pkh:eip155:1:0x[0-9a-f]{40})|(?P<address>0x[0-9a-f]{40})|(?P<start>bafy...|bafk...)[a-z2-7]{52,}|"
    r"Qm[1-9A-Za-z]{44}|\b(?P<digest>[0-9a-f]{64})\b"
)
Row = Sequence[str]


def display_width(text: str) -> int:
    """How many cells of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return len(text) + wide - sum(unicodedata.combining(sign) != 0 for sign in text)


def padded(text: str, width: int) -> str:
    """The text with blanks behind it, so that it takes this many cells."""
    return text + " " * (width - display_width(text))


def fit(head: Row, rows: Sequence[Row], width: int, drop: Sequence[str] = ()) -> tuple[list[Row], list[str]]:
    """The table's lines with its head, each row no wider than ``width``, and the names of the columns left out.

    Left out are first the columns that have nothing in them, then ``drop`` in its order, as far as it is needed.
    """
    lines: list[Row] = [list(head), *(list(row) for row in rows)]
    if _width(lines) <= width:
        return lines, []
    lines = _shortened(lines)
    empty = [name for at, name in enumerate(head) if at and all(row[at] in ("-", "") for row in rows)]
    left_out: list[str] = []
    for name in dict.fromkeys([*empty, *drop]):
        if _width(lines) <= width:
            break
        if name in lines[0][1:]:
            at = list(lines[0]).index(name)
            lines = [[*row[:at], *row[at + 1 :]] for row in lines]
            left_out.append(name)
    return _cut(lines, width), [name for name in left_out if name not in empty]


def _widths(lines: Sequence[Row]) -> list[int]:
    return [max(display_width(row[at]) for row in lines) for at in range(len(lines[0]))]


def _width(lines: Sequence[Row]) -> int:
    return sum(_widths(lines)) + GAP * (len(lines[0]) - 1)


def _shortened(lines: Sequence[Row]) -> list[Row]:
    """Ids in the middle: as short as no two of the table's become alike."""
    ids = sorted({match[0] for row in lines[1:] for cell in row for match in _ID.finditer(cell)})
    for more in range(0, 64, 4):
        short = {one: _short(one, HEAD + more) for one in ids}
        if len(set(short.values())) == len(ids):
            break
    return [lines[0], *([_ID.sub(lambda match: short[match[0]], cell) for cell in row] for row in lines[1:])]


def _short(text: str, head: int) -> str:
    match = _ID.fullmatch(text)
    assert match is not None
    text = text.removeprefix("did:pkh:eip155:1:")
    start = len(match["start"] or "") or (2 if text.startswith(("0x", "Qm")) else 0)
    if len(text) <= start + head + TAIL + 1:
        return text
    return f"{text[: start + head]}…{text[-TAIL:]}"


def _cut(lines: Sequence[Row], width: int) -> list[Row]:
    """Texts of the widest columns end with "…"; ids, which can be typed as shown, only where nothing else is left."""
    widths = _widths(lines)
    of_ids = {at for at in range(len(widths)) if any("…" in row[at] for row in lines[1:])}
    excess = sum(widths) + GAP * (len(widths) - 1) - width
    for columns in ([at for at in range(len(widths)) if at not in of_ids], list(range(len(widths)))):
        while excess > 0 and columns and max(widths[at] for at in columns) > NARROWEST:
            widest = max(columns, key=widths.__getitem__)
            widths[widest] -= 1
            excess -= 1
    return [[_end(cell, room) for cell, room in zip(row, widths, strict=True)] for row in lines]


def _end(cell: str, room: int) -> str:
    if display_width(cell) <= room:
        return cell
    kept = ""
    for sign in cell:
        if display_width(kept + sign) >= room:
            break
        kept += sign
    return f"{kept}…"


def lines_of(table: Iterable[Row]) -> str:
    """Rows as text, columns as wide as their widest cell."""
    rows = list(table)
    widths = _widths(rows)
    return "\n".join(
        (" " * GAP).join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
