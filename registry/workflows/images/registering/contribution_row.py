"""The contribution's row for a label, completed from the contributor's earlier row of the same image.

Invariants: an unsigned row takes every value that it leaves out from the earlier row. A row that its contributor signed
is taken exactly as signed, or refused. Once a contributor has signed a row of an image, nobody can give it another
label without their signature. What the picture says of its own use is in every row that whoever registers it may write,
and a signed row must state it where it is a no; where the bytes were not looked at, nobody speaks for the picture. A
person's name never leaves this module: it becomes a pseudonym, and a signed row must state the pseudonym itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from registry.core.errors import InvalidInput
from registry.core.labeling.labeled_row import (
    ANNOTATION_FIELDS,
    PICTURE,
    Annotation,
    LabeledRow,
    annotation_of,
    check_sources,
    correct,
)
from registry.core.labeling.row_signature import verify
from registry.core.snapshots.use import NO, UNREAD, meaning
from registry.workflows.images.registering.labeled_rows import NewRow

_PSEUDONYM = re.compile("[0-9a-f]{32}")


def contribution_row(row: NewRow, before: Mapping[str, Any] | None, pseudonyms: Mapping[str, str]) -> LabeledRow | None:
    """The row of its issuer's next contribution; None if nothing in it is new.

    ``before``: the contributor's newest row of the image. ``pseudonyms`` has those that ``named`` asks for.
    ``replaces`` names the contribution whose row it corrects. ``InvalidInput`` for what no row may say
    (``source_of_nothing``, ``signature_missing``, ``subject_not_pseudonym``, ``rights_not_stated``), ``Untrusted`` for
    a wrong signature.
    """
    said: Annotation = row
    rights = _rights(row, before)
    if (subject := _subject(row, pseudonyms)) != row.subject or before is not None or rights != row.rights:
        told = {"subject": subject, "rights": rights}
        said = Annotation(**{name: getattr(row, name) for name in ANNOTATION_FIELDS} | told)
    replaces = None
    if before is not None:
        known, replaces = annotation_of(before), bytes(before["contribution"])
        said = said if row.signature else _corrected(row, said, known)
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


def _rights(row: NewRow, before: Mapping[str, Any] | None) -> Mapping[str, str]:
    """What the row says of rights, and the picture. ``InvalidInput`` (``rights_not_stated``) for a signed row that
    leaves out a picture's no."""
    read = row.read or {}
    if before is None and not read and not row.rights:
        return row.rights
    if row.signature is not None:
        for signal, value in read.items():
            if meaning(signal, value) == NO and row.rights.get(signal) != value:
                raise InvalidInput(
                    f"the picture says {signal} {value}, and the row that is signed does not",
                    code="rights_not_stated",
                    hint=f"sign it with the right {signal} = {value}.",
                )
        return row.rights
    known = before["rights"] if before is not None else {}
    unread = {name: known[name] for name, value in read.items() if value == UNREAD and name in known}
    return {**_stated(row.rights), **read, **unread}


def _stated(rights: Mapping[str, str]) -> dict[str, str]:
    """Without what only a picture can say."""
    return {name: value for name, value in rights.items() if not name.startswith(PICTURE)}


def _corrected(row: NewRow, said: Annotation, known: Annotation) -> Annotation:
    """What was read of the picture takes the place of what was read before."""
    return correct(said, known if row.read is None else replace(known, rights=_stated(known.rights)))


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
