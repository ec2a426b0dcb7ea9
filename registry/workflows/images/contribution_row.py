"""The contribution's row for a label, completed from the contributor's earlier row of the same image.

Invariants: an unsigned row takes every value that it leaves out from the earlier row. A row that its contributor signed
is taken exactly as signed, or refused. Once a contributor has signed a row of an image, nobody can give it another
label without their signature. A person's name never leaves this module: it becomes a pseudonym, and a signed row must
state the pseudonym itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from registry.core.errors import InvalidInput
from registry.core.labeling.labeled_row import (
    ANNOTATION_FIELDS,
    Annotation,
    LabeledRow,
    annotation_of,
    check_sources,
    correct,
)
from registry.core.labeling.row_signature import verify
from registry.workflows.images.labeled_rows import NewRow

_PSEUDONYM = re.compile("[0-9a-f]{32}")


def contribution_row(row: NewRow, before: Mapping[str, Any] | None, pseudonyms: Mapping[str, str]) -> LabeledRow | None:
    """The row of its issuer's next contribution; None if nothing in it is new.

    ``before``: the contributor's newest row of the image. ``pseudonyms`` has those that ``named`` asks for.
    ``replaces`` names the contribution whose row it corrects. ``InvalidInput`` for what no row may say
    (``source_of_nothing``, ``signature_missing``, ``subject_not_pseudonym``), ``Untrusted`` for a wrong signature.
    """
    said: Annotation = row
    if (subject := _subject(row, pseudonyms)) != row.subject or before is not None:
        said = Annotation(**{name: getattr(row, name) for name in ANNOTATION_FIELDS} | {"subject": subject})
    replaces = None
    if before is not None:
        known, replaces = annotation_of(before), bytes(before["contribution"])
        said = said if row.signature else correct(said, known)
        if said == known and row.signature in (None, before["signature"]):
            return None
        _check_may_correct(row, before)
    check_sources(said)
    made = LabeledRow(
        sha256=row.sha256,
        contributor=row.contributor,
        cid=bytes(row.cid),
        size=row.size,
        replaces=replaces,
        signature=row.signature,
        label=said.label,
        subject=said.subject,
        licence=said.licence,
        consent=said.consent,
        attributes=said.attributes,
        sources=said.sources,
        rights=said.rights,
        boxes=said.boxes,
    )
    verify(made)
    return made


def named(row: NewRow) -> str | None:
    """The person whose pseudonym its contribution needs."""
    return None if row.signature else row.subject


def _subject(row: NewRow, pseudonyms: Mapping[str, str]) -> str | None:
    if row.subject is None or row.signature is None:
        return None if row.subject is None else pseudonyms[row.subject]
    if not _PSEUDONYM.fullmatch(row.subject):
        raise InvalidInput(
            "a signed row names a person, but records must not hold names",
            code="subject_not_pseudonym",
            hint="sign the row with a pseudonym of 32 hex digits, or without subject.",
        )
    return row.subject


def _check_may_correct(row: NewRow, before: Mapping[str, Any]) -> None:
    if before["signature"] is not None and row.signature is None:
        raise InvalidInput(
            f"{row.contributor} signs their own labels, but this one is not signed",
            code="signature_missing",
            hint=f"let them sign it, with replaces {before['contribution']}, or name another contributor.",
        )
