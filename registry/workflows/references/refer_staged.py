"""Rows of a request or of an import whose images are not here: they wait until a worker has fetched and verified these.

Invariants: what is held for this registry alone and what is not here at all are dealt with alike. Keeping a row again
changes nothing, so a request that is repeated refers to an image once.
"""

from __future__ import annotations

from typing import Protocol

from registry.catalog.index.staged import Staged
from registry.catalog.queries.labeled_images.referenced import how_many_wait
from registry.core.errors import Conflict, EmotionetError, InvalidInput
from registry.workflows.images.registering.labeled_rows import NewRow, one_statement, too_many_rows
from registry.workflows.images.registering.row_groups import Group, steps
from registry.workflows.parts import Parts
from registry.workflows.references.refer import refer

MAX_WAITING = 1_000_000  # images of all tokens together
_TOGETHER = 500  # rows that are kept in one transaction


class Answers(Protocol):
    """Who is told of each row."""

    def referenced(self, row: NewRow) -> None:
        """It waits."""
        ...

    def refused(self, row: int, cid: str | None, error: EmotionetError) -> None:
        """It does not, for this reason."""
        ...


def refer_rows(parts: Parts, issuer: str, staged: Staged, answers: Answers) -> None:
    """Keep what waits in ``staged``, and tell ``answers`` of it."""
    for groups in steps(staged):
        with parts.catalog.read() as db:
            room = MAX_WAITING - how_many_wait(db)
        kept = [row for group in groups if (row := _statement(group, answers, room)) is not None]
        for start in range(0, len(kept), _TOGETHER):
            with parts.catalog.write() as db:
                refer(parts, db, issuer, kept[start : start + _TOGETHER])


def _statement(group: Group, answers: Answers, room: int) -> NewRow | None:
    """What a group says, unless it is refused."""
    try:
        if room <= 0:
            hint = "send the images' bytes, or wait until others have come."
            raise Conflict("too many images wait for their bytes already", code="too_many_waiting", hint=hint)
        if group.too_large:
            raise too_many_rows()
        row = one_statement(group.rows) if len(group.rows) > 1 else group.rows[0]
    except (InvalidInput, Conflict) as error:
        _refuse(group, answers, error)
        return None
    for one in group.rows:
        answers.referenced(one)
    return row


def _refuse(group: Group, answers: Answers, error: EmotionetError) -> None:
    for row in group.rows:
        answers.refused(row.row, str(row.cid), error)
