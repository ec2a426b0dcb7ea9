"""Pages of images by several filters: always those that a plain look at every row finds, at a bounded cost."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from registry.catalog.database.database import Connection
from registry.catalog.queries.labeled_images import image_grid
from registry.catalog.queries.labeled_images.history import image_history
from registry.catalog.queries.labeled_images.image_grid import ANY, Filters, GridPage
from registry.core import records
from registry.core.errors import UsageError
from tests.catalog.world import World, at, sha256_of
from tests.support.anchors.signer import MemorySigner

RIGHT = "tdm-reservation"
ASKED = [
    Filters(),
    Filters(label="feliz"),
    Filters(contributor="eva"),
    Filters(licence="CC0-1.0"),
    Filters(right=ANY),
    Filters(right=RIGHT),
    Filters(right="iptc.data-mining"),
    Filters(disputed=True),
    Filters(status="withdrawn"),
    Filters(status="referenced"),
    Filters(status="stored"),
    Filters(label="feliz", contributor="eva", licence="CC0-1.0"),
    Filters(label="triste", disputed=True, right=ANY),
    Filters(label="none such"),
    Filters(subject="p1"),
    Filters(label="feliz", status="withdrawn"),
]


@pytest.fixture
def labeled(world: World) -> World:
    """Forty images, two issuers, corrections, disagreement, rights, and some images that were taken back."""
    chance, ben = random.Random(4), MemorySigner(8)
    for key in (world.key, ben, world.key):
        rows = [
            world.row(
                number,
                chance.choice(["feliz", "triste"]),
                chance.choice(["ana", "eva"]),
                licence=chance.choice(["CC0-1.0", "CC-BY-4.0", None]),
                subject=f"p{number % 3}",
                rights=chance.choice([{}, {}, {RIGHT: "1"}, {"licence-text": "x"}]),
            )
            for number in chance.sample(range(40), 30)
        ]
        world.label(*rows, key=key)
    for number in range(3, 15, 2):
        taken = records.Withdrawal(target=sha256_of(number), reason="mine", remedy="notice", effective=at(0))
        world.append(taken)
    return world


def walk(db: Connection, wanted: Filters, limit: int = 7) -> Iterator[GridPage]:
    cursor = None
    while True:
        page = image_grid.page(db, wanted, cursor=cursor, limit=limit)
        yield page
        if page.next is None:
            return
        cursor = page.next


def expected(db: Connection, wanted: Filters) -> list[str]:
    """By what is told of every image, row by row."""
    found = []
    gone = Filters(status="withdrawn")  # an image of which nothing is left is listed there alone
    asked = (Filters(), gone) if wanted == gone else (Filters(),)
    images = {one["sha256"]: one for filters in asked for page in walk(db, filters) for one in page.images}
    for _, image in sorted(images.items()):
        rows = [row for row in image_history(db, bytes.fromhex(image["sha256"])) if row["current"]]
        met = [
            row
            for row in rows
            if (wanted.label in (None, row["label"]))
            and wanted.contributor in (None, row["contributor"])
            and wanted.licence in (None, row["licence"])
            and wanted.subject in (None, row["subject"])
            and (wanted.right is None or (row["rights"] if wanted.right == ANY else wanted.right in row["rights"]))
        ]
        apart = len({row["label"] for row in rows}) > 1
        if (met or wanted == gone) and wanted.status in (None, image["status"]) and (apart or not wanted.disputed):
            found.append(image["sha256"])
    return found


@pytest.mark.parametrize("wanted", ASKED, ids=str)
def test_pages_hold_all_images_that_meet_all_filters_each_once(labeled: World, wanted: Filters) -> None:
    with labeled.catalog.read() as db:
        pages = list(walk(db, wanted))
        shown = [image["sha256"] for page in pages for image in page.images]
        assert shown == expected(db, wanted)
        assert pages[0].count in (None, len(shown))
        assert [(page.count, page.about) for page in pages[1:]] == [(None, None)] * (len(pages) - 1)


def test_filters_have_something_to_find(labeled: World) -> None:
    with labeled.catalog.read() as db:
        assert [len(expected(db, one)) > 0 for one in ASKED] == [
            one.right != "iptc.data-mining" and one.status != "stored" and one.label != "none such" for one in ASKED
        ]


def test_a_page_ends_when_enough_was_looked_at_and_goes_on_from_there(
    labeled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_grid, "CHUNK", 5)
    monkeypatch.setattr(image_grid, "SCANNED", 10)
    wanted = Filters(label="feliz", licence="CC0-1.0", contributor="ana")
    with labeled.catalog.read() as db:
        pages = list(walk(db, wanted, limit=30))
        assert [image["sha256"] for page in pages for image in page.images] == expected(db, wanted)
    assert len(pages) > 1
    assert all(page.searched for page in pages[:-1])
    assert pages[0].about is not None
    assert not pages[-1].searched


def statements(world: World, wanted: Filters) -> list[str]:
    """How SQLite finds the candidates of a page."""
    seen: list[tuple[str, Any]] = []
    note = lambda _c, _cursor, said, values, *_: seen.append((said, values))  # noqa: E731
    sa.event.listen(world.catalog.engine, "before_cursor_execute", note)
    with world.catalog.read() as db:
        image_grid.page(db, wanted)
    sa.event.remove(world.catalog.engine, "before_cursor_execute", note)
    with world.catalog.read() as db:
        asked = [one for one in seen if "ORDER BY" in one[0] and "LIMIT" in one[0] and "image_counts" not in one[0]]
        return [
            str(row[-1]) for said, values in asked for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", values)
        ]


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)  # PostgreSQL reads a table of a page or two whole
@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Filters(right=ANY), "ix_contribution_rows_rights"),
        (Filters(disputed=True), "ix_images_disputed"),
        (Filters(licence="CC0-1.0"), "ix_contribution_rows_licence_sha256"),
        (Filters(status="stored"), "ix_images_stored_sha256"),
    ],
)
def test_candidates_are_found_by_the_filters_own_index(labeled: World, wanted: Filters, index: str) -> None:
    plan = statements(labeled, wanted)
    assert any(index in line for line in plan), plan


def test_candidates_whose_rows_say_something_else_are_told_where_they_are_found(
    labeled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()
    meeting = image_grid._meeting

    def counted(db: Connection, wanted: Filters, part: Sequence[str]) -> list[str]:
        asked.extend(part)
        return meeting(db, wanted, part)

    monkeypatch.setattr(image_grid, "_meeting", counted)
    with labeled.catalog.read() as db:
        assert not image_grid.page(db, Filters(label="feliz", issuer="did:key:nobody")).images
        assert not asked
        found = image_grid.page(db, Filters(label="feliz", contributor="eva")).images
    assert {one["sha256"] for one in found} <= set(asked)
    assert found


def test_only_of_given_images(labeled: World) -> None:
    with labeled.catalog.read() as db:
        some = [image["sha256"] for image in next(walk(db, Filters(), 9)).images]
        page = image_grid.page(db, Filters(label="feliz"), given=lambda after: ((n, True) for n in some if n > after))
        assert [image["sha256"] for image in page.images] == [
            n for n in expected(db, Filters(label="feliz")) if n in some
        ]
        assert page.next is None


def test_an_unknown_right_or_status_is_refused_with_what_there_is(world: World) -> None:
    with world.catalog.read() as db:
        for wrong in (replace(Filters(), right="x"), replace(Filters(), status="x")):
            with pytest.raises(UsageError):
                image_grid.page(db, wrong)
