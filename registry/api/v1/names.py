"""Addresses of names: what issuers call snapshots, runs' plans and releases. A name is set where a thing is made."""

from __future__ import annotations

from litestar import get

from registry.api.common import Home, Page, page, problems
from registry.api.v1.wire import Cursor, IssuerFilter, Limit
from registry.catalog.queries.signed_records import names
from registry.workflows.local_issuers import local_issuers
from registry.workflows.names.references import reference


@get("/names", responses=problems(), sync_to_thread=True)
def list_names(home: Home, issuer: IssuerFilter = None, cursor: Cursor = None, limit: Limit = 100) -> Page:
    """What names stand for now, by name and issuer; `reference` is how a name is written in an address here."""
    own = local_issuers(home)
    with home.catalog.read() as db:
        found, following = names.list_names(db, None if issuer is None else [issuer], cursor, limit)
    return page([{"reference": reference(row, own), **row} for row in found], following)


HANDLERS = (list_names,)
