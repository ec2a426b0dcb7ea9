"""Whether a key may begin a log here: only where it has none elsewhere.

A key that comes into a home without its log would begin a second log of the same issuer, and a third in the next home.
So a log is begun by a key that its home made; any other key was given to the home (a keystore that was copied there, a
secret), and has its log somewhere else unless somebody says that it has none (`emotionet keys begin`). A
copy that `keys export` wrote tells where its log was: nothing is signed with it, nor begun, before the log is here to
that entry.

Invariants: nothing is signed where one of these refuses. Keys that are not this home's are not its to judge.
"""

from __future__ import annotations

from registry.catalog.database.database import Connection
from registry.catalog.queries.signed_records import entries
from registry.core.errors import Conflict
from registry.core.issuers import address_of_key
from registry.core.log import Signer
from registry.provenance.keys import signed_heads as signed_heads
from registry.workflows.local_issuers import key_texts
from registry.workflows.parts import Parts

_BRING = "bring its log here: `emotionet catalog rebuild --from ENTRY --gateway URL`"


def check_log_is_here(parts: Parts, db: Connection, signer: Signer) -> None:
    """``Conflict`` (``log_elsewhere``) where the copy of this key notes an entry that the catalog lacks."""
    text = key_texts(parts).get(address_of_key(signer.public_key))
    noted = None if text is None else signed_heads.noted(text)
    if noted is None or entries.at(db, noted.issuer, noted.seq) == noted.entry:
        return
    raise Conflict(
        f"this key signs the log of {noted.issuer}, which had entry {noted.seq} ({noted.entry}) when the key was copied"
        " and is not here to that entry: what is signed without it forks the log",
        code="log_elsewhere",
        hint=f"{_BRING}; ENTRY is the newest one, which `emotionet keys show` tells where the log is.",
    )


def check_may_begin(parts: Parts, signer: Signer) -> None:
    """``Conflict`` (``log_elsewhere``) for a key that was given to this home, and whose log is not here."""
    address = address_of_key(signer.public_key)
    if signed_heads.was_made(parts.settings.home, address) or address not in key_texts(parts):
        return
    raise Conflict(
        f"the key of {signer.did} was given to this home and its log is not here: if it has signed elsewhere, another "
        "first entry forks that log",
        code="log_elsewhere",
        hint=f"{_BRING}; or, where this key has signed nothing yet, begin its log with `emotionet keys begin`.",
    )
