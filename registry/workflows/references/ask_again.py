"""Have images fetched that records name and whose bytes are not here, or that were given up.

Each picture is asked then what it says of its own use (``fetch_job``), whoever has named it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from registry.catalog.database.database import Connection
from registry.catalog.queries.labeled_images import images, referenced
from registry.core.errors import NotFound, UsageError
from registry.core.ipld.cid import CID
from registry.workflows.parts import Parts
from registry.workflows.references.refer import fetch_later
from registry.workflows.references.show_reference import waiting_image

_PAGE = 1000


def ask_again(parts: Parts, named: Sequence[str]) -> dict[str, Any]:
    """Fetch ``named`` images, or all that are only referenced; ``asked``: how many a worker will fetch anew.

    ``UsageError`` (``no_source``) where nobody can be asked; ``NotFound`` for one that is known by no row.
    """
    if parts.source is None:
        raise UsageError(
            "there is no gateway to fetch images from",
            code="no_source",
            hint="set EMOTIONET_GATEWAYS, like https://trustless-gateway.link.",
        )
    issuer = parts.key.did
    with parts.catalog.write() as db:
        wanted = [_cid(parts, db, text) for text in named] if named else [*_all(db)]
        asked = fetch_later(parts, db, issuer, wanted)
    return {"asked": asked, "named": len(wanted)}


def _cid(parts: Parts, db: Connection, text: str) -> CID:
    image = images.get_image(db, text)
    if image is not None and image["cid"]:
        return CID.parse(image["cid"])
    found = waiting_image(parts, text)
    if found is None:
        raise NotFound(f"{text[:100]} is no image that is known here", hint="`emotionet images list` lists them.")
    return CID.parse(found["cid"])


def _all(db: Connection) -> Iterable[CID]:
    cursor: str | None = None
    while True:
        page, cursor = images.list_images(db, status="referenced", cursor=cursor, limit=_PAGE)
        yield from (CID.parse(image["cid"]) for image in page if image["cid"])
        if cursor is None:
            break
    cursor = None
    while True:
        given_up, cursor = referenced.listed(db, state="given_up", cursor=cursor, limit=_PAGE)
        yield from (CID.parse(one["cid"]) for one in given_up)
        if cursor is None:
            return
