"""Rows of a source that name images by CIDs which are not held here: a worker fetches them, or the server they are sent
to has them.

Invariant: as over HTTP (``POST /images``), such a row waits where there is somebody to ask, and is rejected as
``not_held`` where there is nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from registry.catalog.index.staged import Staged
from registry.content.labels.label_row import LabelRow, Rejection, rejected
from registry.content.labels.labeled_folder import Folder
from registry.core.errors import EmotionetError, InvalidInput
from registry.core.ipld.cid import CID
from registry.workflows.images.registering.labeled_rows import NewRow, new_row
from registry.workflows.images.registering.row_groups import STEP, stage
from registry.workflows.parts import Parts
from registry.workflows.references.refer import CODECS
from registry.workflows.references.refer_staged import refer_rows

NameOf = Callable[[LabelRow], str]  # in whose name a row is; ``InvalidInput`` where that is somebody else's


def by_reference(folders: Sequence[Folder], refused: list[Rejection], name_of: NameOf = lambda row: "") -> list[NewRow]:
    """Rows whose CID is not held here and may be an image's, taken out of ``refused``.

    Their image's sha256 is not known; its CID's digest stands for it, by which rows of one image are merged.
    """
    absent = {(bad.table, bad.row) for bad in refused if bad.code == "not_held"}
    named = [row for folder in folders if folder.labels is not None and absent for row in folder.labels.rows]
    found: list[NewRow] = []
    told: dict[tuple[str, int], Rejection | None] = {}
    for row in named:
        if row.cid is None or (row.table, row.row) not in absent or CID.parse(row.cid).codec not in CODECS:
            continue
        cid = CID.parse(row.cid)
        try:
            found.append(new_row(row, cid.digest, 0, cid, name_of(row)))
            told[row.table, row.row] = None
        except InvalidInput as error:
            told[row.table, row.row] = rejected(row.row, row.name, error, row.table)
    kept = [one for bad in refused if (one := told.get((bad.table, bad.row), bad)) is not None]
    refused[:] = kept
    return found


class Referred:
    """What became of rows that were to wait: how many do, each statement once, and those that were refused."""

    def __init__(self, rows: Sequence[NewRow]) -> None:
        self.number, self.rows, self.rejected = 0, 0, list[Rejection]()
        self._given = {(row.row, str(row.cid)): row for row in reversed(rows)}
        self._seen: set[tuple[bytes, str]] = set()

    def referenced(self, row: NewRow) -> None:
        """It waits."""
        self.rows += 1
        if row.key not in self._seen:
            self._seen.add(row.key)
            self.number += 1

    def refused(self, row: int, cid: str | None, error: EmotionetError) -> None:
        """It does not."""
        given = self._given[row, cid or ""]
        self.rejected.append(rejected(given.row, str(given.cid), error, given.table))


def refer(parts: Parts, issuer: str, rows: Sequence[NewRow]) -> Referred:
    """Let rows wait for their images."""
    told = Referred(rows)
    if rows:
        with Staged(parts.catalog, STEP) as staged:
            stage(staged, rows)
            refer_rows(parts, issuer, staged, told)
    return told
