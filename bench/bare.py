"""The baseline of ``bench.api``: a bare Litestar application whose handlers do what one query needs and no more."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import sqlalchemy as sa
import uvicorn
from litestar import Litestar, Response, get

from registry.assembly import open_home
from registry.catalog.database.database import Catalog
from registry.catalog.schema.derived import contribution_rows, image_cids, images

_ROWS = contribution_rows.c


@get("/empty", sync_to_thread=False)
def empty() -> dict[str, bool]:
    """Nothing to do."""
    return {"ok": True}


def _one(db: sa.Connection, cid: str) -> dict[str, Any]:
    wanted = sa.select(contribution_rows, images.c.stored).join(images, images.c.sha256 == _ROWS.sha256)
    named = sa.select(image_cids.c.sha256).where(image_cids.c.cid == cid).scalar_subquery()
    row = db.execute(wanted.where(_ROWS.sha256 == named)).mappings().first()
    assert row is not None
    return dict(row)


def _page(db: sa.Connection, after: str) -> list[dict[str, Any]]:
    wanted = sa.select(images.c.size, images.c.stored, image_cids.c.cid, contribution_rows)
    joined = wanted.join(image_cids, image_cids.c.sha256 == images.c.sha256).join(
        contribution_rows, _ROWS.sha256 == images.c.sha256
    )
    found = joined.where(images.c.sha256 > after).order_by(images.c.sha256).limit(100)
    return [dict(row) for row in db.execute(found).mappings()]


def app(catalog: Catalog) -> Litestar:
    """The application over a catalog."""

    @get("/image/{cid:str}", sync_to_thread=True)
    def image(cid: str) -> Response[bytes]:
        """One image by its CID: one query."""
        with catalog.engine.connect() as db:
            return Response(msgspec.json.encode(_one(db, cid)), media_type="application/json")

    @get("/page/{after:str}", sync_to_thread=True)
    def page(after: str) -> Response[bytes]:
        """A hundred rows, read and encoded."""
        with catalog.engine.connect() as db:
            return Response(msgspec.json.encode(_page(db, after)), media_type="application/json")

    return Litestar([empty, image, page], openapi_config=None, logging_config=None)


if __name__ == "__main__":
    uvicorn.run(app(open_home().catalog), port=int(sys.argv[1]), log_config=None, log_level="warning", access_log=False)
