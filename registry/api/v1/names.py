"""Addresses of names: what issuers call snapshots, runs' plans and releases; move one, or make it."""

from __future__ import annotations

from litestar import get, post
from litestar.params import JSONBody

from registry.api.answers.others import Name
from registry.api.answers.parts import PageOf
from registry.api.auth import needs, sends_json
from registry.api.common import Document, Home, Page, Published, page, problems, record
from registry.api.v1.wire import Cursor, IssuerFilter, Limit, WantedName
from registry.catalog.queries.signed_records import names
from registry.core.issuers import read_issuer
from registry.workflows.local_issuers import local_issuers
from registry.workflows.names.references import reference
from registry.workflows.names.resolve import KINDS
from registry.workflows.names.set_name import set_name


@get("/names", responses=problems(), sync_to_thread=True, answer=PageOf[Name])
def list_names(home: Home, issuer: IssuerFilter = None, cursor: Cursor = None, limit: Limit = 100) -> Page:
    """What names stand for now, by name and issuer; `reference` is how a name is written in an address here."""
    own = local_issuers(home)
    with home.catalog.read() as db:
        found, following = names.list_names(db, None if issuer is None else [read_issuer(issuer)], cursor, limit)
    return page([{"reference": reference(row, own), **row} for row in found], following)


@post(
    "/names",
    status_code=200,
    guards=[needs("releases:write"), sends_json],
    responses=problems(404, 410, 415, 422, scoped=True),
    sync_to_thread=True,
    answer=Name,
)
def move_name(home: Home, published: Published, data: JSONBody[WantedName]) -> Document:
    """Let a name of this registry's issuer stand for a snapshot, a run or a release from now on: a signed record; what
    it stood for before is kept. `moved` is false where it stood for that already."""
    target = record(home, published, data.target, *reversed(KINDS))
    done = set_name(home, home.key, data.name, target)
    return {"reference": reference(done, local_issuers(home)), **done}


HANDLERS = (list_names, move_name)
