"""The table of what was imported: each file's CID with its label, as POST /images takes it.

Invariants: one line a row that was accepted, in the rows' order, in the columns of labels.csv with ``cid`` in place of
``file``. The file's name stands in ``from_file``, which is no column of labels: whoever reads the table again ignores
it alone. Empty columns of what may be left out are left out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from registry.content.labels.boxes import in_pixels
from registry.core.labeling.labeled_row import MAPS, PICTURE, PREFIXES, TEXTS

NAME = "from_file"
FIRST = ("cid", "label", "contributor")


def cid_table(rows: Iterable[Any], issuer: str, *, names: bool = True) -> bytes:
    """The table as CSV in UTF-8. A row of ``issuer`` itself names no contributor: it is then whoever registers it.

    ``rows`` are ``LabelRow`` with a CID, or ``NewRow`` of what registers them. Without ``names`` it has no file's name.
    """
    lines = [_cells(row, issuer, names) for row in rows]
    columns = _columns(lines)[: None if names else -1]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows([line.get(column, "") for column in columns] for line in lines)
    return text.getvalue().encode()


def _cells(row: Any, issuer: str, names: bool) -> dict[str, str]:
    cells = {
        "cid": str(row.cid),
        "label": row.label,
        "contributor": "" if row.contributor in (issuer, None) else row.contributor,
        **{name: getattr(row, name) or "" for name in TEXTS},
        "box": "; ".join(map(in_pixels, row.boxes)),
        "signature": f"0x{row.signature.hex()}" if row.signature else "",
        NAME: row.name if names else "",
    }
    for field in MAPS:
        said = getattr(row, field).items()  # what a picture says is read again wherever the table is
        cells |= {
            PREFIXES[field] + name: value for name, value in said if row.signature or not name.startswith(PICTURE)
        }
    return cells


def _columns(lines: Sequence[dict[str, str]]) -> list[str]:
    given = {name for line in lines for name, value in line.items() if value}
    rest = [name for name in (*TEXTS, "box", "signature") if name in given]
    maps = sorted(name for name in given if name.startswith(tuple(PREFIXES.values())))
    return [*FIRST, *rest, *maps, NAME]
