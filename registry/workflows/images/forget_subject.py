"""Forget a person: destroy the key of their pseudonym. Records keep the pseudonym, but nobody can tell any more whose
it was.

Invariant: the name is normalised as an import normalises it, and is written nowhere.
"""

from __future__ import annotations

from typing import Any

from registry.catalog import private_data as private
from registry.catalog.queries.labeled_images import referenced
from registry.core.text.cleaning import clean
from registry.workflows.parts import Parts


def forget_subject(parts: Parts, name: str) -> dict[str, Any]:
    """The document of `emotionet images forget --json`: ``pseudonym, images, tables``.

    ``images`` keep the pseudonym, ``tables`` of labels that were imported with these images may name the person still.
    Rows that wait for their images lose the name. ``NotFound`` if no subject has it.
    """
    subject = clean("subject", name)
    with parts.catalog.write() as db:
        waited = referenced.forget_subject(db, subject)
        pseudonym = private.known_pseudonym(db, subject)
        if pseudonym is not None or not waited:
            private.forget_subject(db, subject)
        images, tables = private.of_pseudonym(db, pseudonym) if pseudonym else (0, 0)
    return {"pseudonym": pseudonym, "images": images, "tables": tables}
