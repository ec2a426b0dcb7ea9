"""A page of the catalog's images by all filters that a page or a request may give, a run's dropped ones among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from registry.catalog.database.database import Connection
from registry.catalog.queries.labeled_images import image_grid
from registry.catalog.queries.labeled_images.image_grid import Candidates, Filters, GridPage
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.errors import Conflict, UsageError
from registry.core.ipld.cid import CID
from registry.core.issuers import read_issuer
from registry.core.table import tables
from registry.workflows.parts import Parts
from registry.workflows.store.read_content import read_as

_REASON = records.PREPARED.columns.index("reason")


def list_images(
    parts: Parts,
    wanted: Filters,
    *,
    run: str | None = None,
    dropped: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> GridPage:
    """Images that meet ``wanted``; with ``run`` and ``dropped`` those that the run's cleaning dropped for that reason.

    ``UsageError`` for one of both without the other, ``NotFound`` for no run, ``Conflict`` before its cleaning is done.
    """
    if (run is None) != (dropped is None):
        raise UsageError("run and dropped belong together", hint="give both: the run, and the reason.")
    if wanted.issuer is not None:
        wanted = replace(wanted, issuer=read_issuer(wanted.issuer))
    with parts.catalog.read() as db:
        given = _dropped(parts, db, run, dropped) if run is not None and dropped is not None else None
        return image_grid.page(db, wanted, given=given, cursor=cursor, limit=limit)


def _dropped(parts: Parts, db: Connection, run: str, reason: str) -> Candidates:
    made = runs.row(db, run)["preprocessing"]
    if made is None:
        raise Conflict(
            f"run {run} has not cleaned its images yet", code="too_early", hint=f"see `emotionet runs show {run}`."
        )
    output = read_as(parts, records.Preprocessing, CID.parse(made)).output

    def walk(after: str) -> Iterator[tuple[str, bool]]:
        key = (bytes.fromhex(after),) if after else None
        for row in tables.after(output, key, parts.store.get):
            yield row[0].hex(), row[_REASON] == reason

    return walk
