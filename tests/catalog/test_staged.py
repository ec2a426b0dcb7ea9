"""Rows that wait come out sorted, on both databases, whatever is written between two pages."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256

import pytest
import sqlalchemy as sa

from registry.catalog.database.database import Catalog
from registry.catalog.index.staged import Staged
from registry.core.errors import Conflict

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
