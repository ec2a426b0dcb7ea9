"""What registering would take and refuse, asked before anything is signed.

Invariant: every check is registering's own (``register_step``, ``contribution_row``), against the same earlier rows;
nothing is written, no key is made, and a home that holds nothing yet is not begun.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from registry.catalog.queries.labeled_images.rows import newest_rows
from registry.content.labels import Rejection
from registry.workflows.images.registering.contribution_row import named
from registry.workflows.images.registering.labeled_rows import NewRow, rejection
from registry.workflows.images.registering.register_step import Statement, complete, statement_of
from registry.workflows.images.registering.row_groups import MAX_GROUP, STEP, Group
from registry.workflows.local_issuers import signing_issuers
from registry.workflows.parts import Parts

Known = Mapping[tuple[bytes, str], Mapping[str, Any]]
_SOMEBODY = "0" * 32  # a pseudonym: which one refuses no row


def would_sign_as(parts: Parts) -> str:
    """The issuer whose key is here; "" where there is none yet."""
    return next(iter(sorted(signing_issuers(parts))), "")


def would_register(parts: Parts, issuer: str, rows: Iterable[NewRow]) -> tuple[list[NewRow], list[Rejection]]:
    """One row for each statement that would be taken, at the place of its first, and every row that would not."""
    groups: defaultdict[tuple[bytes, str], list[NewRow]] = defaultdict(list)
    for one in rows:
        groups[one.key].append(one)
    kept: list[NewRow] = []
    refused: list[Rejection] = []
    said = list(groups.values())
    for start in range(0, len(said), STEP):
        statements = [statement_of(Group(group, len(group) > MAX_GROUP)) for group in said[start : start + STEP]]
        _decide(statements, _known(parts, issuer, statements))
        for done in statements:
            if done.error is not None:
                refused += [rejection(row, done.error) for row in done.rows]
            elif done.row is not None:
                kept.append(done.row)
    return kept, sorted(refused, key=lambda one: one.row)


def _decide(statements: Sequence[Statement], known: Known) -> None:
    for one in statements:
        if one.row is not None:
            name = named(one.row)
            complete(one, one.row, known.get(one.row.key), {} if name is None else {name: _SOMEBODY})


def _known(parts: Parts, issuer: str, statements: Sequence[Statement]) -> Known:
    if not issuer or parts.settings.holds_nothing_yet:
        return {}
    with parts.catalog.read() as db:
        return newest_rows(db, issuer, {one.rows[0].sha256 for one in statements})
