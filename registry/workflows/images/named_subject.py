"""Which pseudonym is meant where somebody at this registry names a person, as the table of labels did.

Invariants: nothing is made and nothing is told of a name that is not known. For who has this registry's home alone:
over HTTP a name would tell whose pseudonym it is.
"""

from __future__ import annotations

import re

from registry.catalog import private_data as private
from registry.core.errors import NotFound
from registry.core.text.cleaning import clean
from registry.workflows.parts import Parts

PSEUDONYM = re.compile("[0-9a-f]{32}")


def named_subject(parts: Parts, text: str) -> str:
    """The pseudonym of a person by name; a pseudonym stays what it is. ``NotFound`` for neither."""
    with parts.catalog.read() as db:
        known = private.known_pseudonym(db, clean("subject", text))
        if known is not None or PSEUDONYM.fullmatch(text) or private.of_pseudonym(db, text)[0]:
            return known or text
    raise NotFound(
        "no subject of this name is known here",
        code="unknown_subject",
        hint="write it as the table of labels has it, or give the pseudonym that `emotionet images list` knows.",
    )
