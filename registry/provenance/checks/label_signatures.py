"""Level 2's check of labels: a row that carries a signature was signed by its contributor, as it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from registry.core.errors import EmotionetError
from registry.core.labeling.labeled_row import read
from registry.core.labeling.row_signature import verify
from registry.core.records import Contribution, parse_as
from registry.core.table import tables
from registry.core.table.columns import Shape
from registry.provenance.checks.results import Check, Failed, NotChecked, run
from registry.provenance.checks.target.subject import Subject

UNSIGNED = "no label carries its contributor's own signature: only the issuer states who gave each label"


def checks(subject: Subject) -> Iterator[Check]:
    """2.labels. Nobody asks for it: rows without a signature are as good as their issuer's word."""
    if subject.is_release or subject.is_snapshot:
        check = partial(labels, subject)
        yield run("2.labels", check, requested=False)


def labels(subject: Subject) -> str:
    """2.labels: every signature of a row in the snapshot's contributions."""
    signers: set[str] = set()
    signed = others = 0
    for row, written in _rows(subject):
        if row["signature"] is None:
            others += 1
            continue
        try:
            verify(read(row), written)
        except EmotionetError as error:
            raise Failed(str(error)) from error
        signed += 1
        signers.add(row["contributor"])
    if not signed:
        raise NotChecked(UNSIGNED)
    rest = f"; for {others} other labels only the issuer states who gave them" if others else ""
    return f"{signed} labels are signed by {len(signers)} contributors{rest}"


def _rows(subject: Subject) -> Iterator[tuple[Mapping[str, Any], Shape]]:
    """Every row of the contributions, and the columns that it was written in; ``NotChecked`` where they can't be read:
    level 1 says why."""
    try:
        for cid in subject.snapshot.contributions:
            rows = parse_as(Contribution, subject.get(cid)).rows
            written = tables.read(rows, subject.get).written
            for row in tables.rows_as_dicts(rows, subject.get):
                yield row, written
    except (EmotionetError, LookupError, ValueError, TypeError) as error:
        raise NotChecked(f"the contributions can't be read: {error}") from error
