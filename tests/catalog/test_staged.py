"""Rows that wait come out sorted, on both databases, whatever is written between two pages."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from hashlib import sha256
from typing import Any

import pytest
import sqlalchemy as sa

from registry.catalog.database.database import Catalog
from registry.catalog.index.staged import Staged
from registry.core.errors import Conflict, Unavailable

PAGE = 7
GIVEN = [(sha256(b"%d" % (number % 20)).digest(), ("zoë", "Ana", "ana")[number % 3], number) for number in range(40)]


@pytest.mark.parametrize("count", [0, 1, PAGE, PAGE + 1, 2 * PAGE, 40])
def test_rows_come_out_by_image_contributor_and_number_whatever_is_written_meanwhile(
    catalog: Catalog, count: int
) -> None:
    seen = []
    with Staged(catalog, PAGE) as staged:
        for digest, contributor, number in GIVEN[:count]:
            staged.add(digest, contributor, b"\x00\xff%d" % number)
        for page in staged.rows():
            assert len(page) <= PAGE
            seen += page
            with staged.write() as db:  # commits
                db.execute(sa.text("DELETE FROM names"))
            with suppress(Conflict), staged.write():
                raise Conflict("rolled back")
    wanted = [(digest.hex(), who, at + 1, b"\x00\xff%d" % at) for digest, who, at in GIVEN[:count]]
    assert [(*row[:3], bytes(row.data)) for row in seen] == sorted(wanted)


def test_a_stage_that_is_left_between_two_pages_leaves_its_connection_as_it_was(catalog: Catalog) -> None:
    for _ in range(3):
        with Staged(catalog, PAGE) as staged:
            for digest, contributor, _ in GIVEN:
                staged.add(digest, contributor, b"")
            assert len(next(iter(staged.rows()))) == PAGE


def first_page(catalog: Catalog) -> int:
    with Staged(catalog, PAGE) as staged:
        for digest, contributor, _ in GIVEN:
            staged.add(digest, contributor, b"")
        return len(next(iter(staged.rows())))


def test_a_full_disk_is_told_and_spoils_no_connection(catalog: Catalog) -> None:
    """What waits lies on the disk for temporary files: where that is full, the table can't be dropped either."""
    full, writing = [True], ('INSERT INTO "staged_rows"', "COPY", "DROP TABLE", "DECLARE", "CREATE INDEX")

    def refuse(_db: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if full[0] and statement.startswith(writing):
            raise sqlite3.OperationalError("database or disk is full")

    sa.event.listen(catalog.engine, "before_cursor_execute", refuse)
    for _ in range(3):
        with pytest.raises(Unavailable, match="disk is full") as caught:
            first_page(catalog)
        assert caught.value.code == "disk_full"
    full[0] = False
    assert first_page(catalog) == PAGE
