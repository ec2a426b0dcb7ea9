"""Evidence that an issuer showed two histories, from all that this home knows: entries that it refused, checkpoints
that its witness refused.

Invariant: each document stands by itself: it was checked from its own bytes before it is given out.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from registry.catalog.queries import log_forks
from registry.core.errors import EmotionetError, NotFound
from registry.core.ipld.cid import CID
from registry.core.tlog import equivocation
from registry.core.tlog.issuer_log import origin_of
from registry.workflows.log.witnesses import witness_of
from registry.workflows.parts import Parts


def equivocations(parts: Parts, issuer: str) -> list[dict[str, Any]]:
    """Every document that shows that this issuer's log forks, those of entries first."""
    with parts.catalog.read() as db:
        pairs = log_forks.of(db, [issuer]).get(issuer, [])
    found = []
    for pair in pairs:
        with suppress(EmotionetError):  # an entry that is no longer held, or excludes the other by more than itself
            halves = [parts.store.get(CID.parse(pair[one])) for one in ("held", "refused")]
            found.append(equivocation.of_entries(*halves))
    for document in witness_of(parts).refused(origin_of(issuer)):
        with suppress(EmotionetError):
            equivocation.check(document)
            found.append(document)
    return found


def equivocation_of(parts: Parts, issuer: str) -> dict[str, Any]:
    """The first of them. ``NotFound`` where this home knows of none."""
    found = equivocations(parts, issuer)
    if not found:
        raise NotFound(f"this home has no evidence that the log of {issuer} forks", hint="check the issuer.")
    return found[0]
