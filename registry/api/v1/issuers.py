"""Addresses of issuers: whose logs are followed here, and where a log ends, for whoever follows it from here."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import PathParameter

from registry.api.answers.others import Followed, Head
from registry.api.answers.parts import PageOf
from registry.api.common import Document, Home, Page, page_of_sorted, problems
from registry.api.v1.wire import Cursor, Limit
from registry.catalog import follows
from registry.catalog.queries.signed_records import entries
from registry.core.errors import NotFound
from registry.core.issuers import read_issuer
from registry.workflows.follow.keep_up import documents
from registry.workflows.local_issuers import is_local

IssuerPath = Annotated[str, PathParameter(min_length=1, max_length=100, description="an issuer's DID, or its address")]


@get("/issuers", responses=problems(), sync_to_thread=True, answer=PageOf[Followed])
def list_issuers(home: Home, cursor: Cursor = None, limit: Limit = 100) -> Page:
    """Every issuer of another registry whose log is followed here: how far, from where, and what was refused."""
    return page_of_sorted(iter(documents(home)), "issuer", cursor, limit)


@get("/issuers/{issuer:str}/head", responses=problems(404), sync_to_thread=True, answer=Head)
def show_head(home: Home, issuer: IssuerPath) -> Document:
    """The newest entry of this registry's own log, or of one that it follows; its blocks are at /ipfs. A follower
    verifies the log from there, whoever says it."""
    did = read_issuer(issuer)
    with home.catalog.read() as db:
        found = entries.newest(db, did) if is_local(home, did) else follows.head(db, did)
    if found is None:
        raise NotFound(f"this registry knows no whole log of {issuer[:80]}", hint="check the issuer.")
    return {"issuer": did, "entry": str(found[0]), "seq": found[1]}


HANDLERS = (list_issuers, show_head)
