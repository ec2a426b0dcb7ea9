"""How a page of images is found: by an index, in its order, whatever the planner knows of the tables."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from registry.catalog.database.database import Catalog
from registry.catalog.database.sql import encode_cursor
from registry.catalog.queries.labeled_images import images
from tests.catalog.world import World, sha256_of

FILTERS: list[dict[str, str]] = [
    {"label": "feliz"},
    {"contributor": "ana"},
    {"subject": "p1"},
    {"label": "feliz", "contributor": "ana"},
    {"label": "feliz", "status": "referenced"},
    {"status": "referenced"},
    {},
]
WALKS = ("SCAN contribution_rows", "SCAN later", "SCAN image_cids", "TEMP B-TREE", "Seq Scan")


def plan_of(catalog: Catalog, asked: dict[str, str]) -> str:
    """The database's own plan for the statement that chooses a page's images."""
    seen: list[tuple[str, Any]] = []

    def listen(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    sa.event.listen(catalog.engine, "before_cursor_execute", listen)
    try:
        with catalog.read() as db:
            images.list_images(db, **asked, cursor=encode_cursor(sha256_of(0).hex()), limit=10)
    finally:
        sa.event.remove(catalog.engine, "before_cursor_execute", listen)
    statement, parameters = next(one for one in seen if "ORDER BY" in one[0])
    with catalog.read() as db:
        if catalog.is_postgresql:  # a table of a page or two is read whole: what it would do with a large one
            db.exec_driver_sql("SET LOCAL enable_seqscan = off")
            db.exec_driver_sql("SET LOCAL enable_sort = off")
            rows = db.exec_driver_sql(f"EXPLAIN {statement}", parameters)
            return "\n".join(row[0] for row in rows)
        rows = db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "\n".join(row[-1] for row in rows)


@pytest.mark.parametrize("analyzed", [False, True])
@pytest.mark.parametrize("asked", FILTERS, ids=str)
def test_a_page_of_images_is_found_by_an_index(world: World, asked: dict[str, str], analyzed: bool) -> None:
    world.label(*(world.row(n, "feliz" if n % 3 else "triste", "ana", subject=f"p{n % 2}") for n in range(40)))
    if analyzed:
        world.catalog.analyze()
    taken_back = "SCAN contribution_rows USING INDEX ix_contribution_rows_withdrawn"  # only of rows that were
    plan = plan_of(world.catalog, asked).replace(taken_back, "")
    walks = WALKS if not analyzed else [walk for walk in WALKS if "image_cids" not in walk]  # forty are read at once
    assert not [walk for walk in walks if walk in plan], plan
    named = [name for name in ("label", "contributor", "subject") if name in asked]
    if named and not world.catalog.is_postgresql and not analyzed:  # who knows that all rows match takes another index
        assert any(f"ix_contribution_rows_{name}_sha256" in plan for name in named), plan
