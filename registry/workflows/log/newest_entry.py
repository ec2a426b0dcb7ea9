"""The newest entry of an issuer's log, from which a registry that is lost can be made again (`catalog rebuild`).

Invariant: nothing is made or changed; a catalog that does not exist yet is not begun.
"""

from __future__ import annotations

from registry.catalog.database.engines import sqlite_file
from registry.catalog.queries.signed_records import entries
from registry.core.ipld.cid import CID
from registry.provenance.keys.signed_heads import Head, heads
from registry.workflows.parts import Parts


def newest_entry(parts: Parts, issuer: str) -> CID | None:
    """The later one of what the home noted and what the catalog knows; None where nothing was signed yet."""
    newest = newest_head(parts, issuer)
    return None if newest is None else newest.entry


def newest_head(parts: Parts, issuer: str) -> Head | None:
    """The same with its place."""
    known = [head for head in heads(parts.settings.home) if head.issuer == issuer and head.entry]
    path = sqlite_file(parts.settings.database_url)
    if path is None or path.exists():
        with parts.catalog.read() as db:
            found = entries.newest(db, issuer)
        known += [Head(issuer, found[1], found[0])] if found else []
    return max(known, key=lambda one: one.seq, default=None)
