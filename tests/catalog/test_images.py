"""Lists of images, filters, pages, withdrawals and private names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.catalog import private_data as private
from registry.catalog.database.database import Catalog
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.labeled_images.described import NAMED
from registry.catalog.queries.labeled_images.rows import contributors_query, current_rows
from registry.catalog.queries.signed_records.withdrawals import withdrawn_images
from registry.catalog.schema.derived import REBUILDABLE
from registry.core import records
from registry.core.errors import InvalidInput, NotFound, UsageError
from registry.core.ipld.cid import CID, DAG_PB
from registry.core.snapshots.classes import Classes, classes_of
from registry.core.snapshots.query import matches
from registry.core.snapshots.snapshot import resolve_rows, select
from tests.catalog.world import NOW, World, bearing_on, dump, image_bytes, sha256_of
from tests.support.anchors.signer import MemorySigner

ROOT = CID.v1(DAG_PB, bytes(32))


def pages(catalog: Catalog, size: int, **wanted: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    with catalog.read() as db:
        while True:
            page, cursor = images.list_images(db, cursor=cursor, limit=size, **wanted)
            assert len(page) <= size
            found += page
            if cursor is None:
                return found


def test_what_is_told_of_an_image(world: World) -> None:
    world.label(
        world.row(0, "feliz", "ana", subject="p1", licence="CC0"),
        world.row(0, "feliz", "ben", licence="CC0"),
        world.row(0, "triste", "carla", subject="p1", licence=None),
        world.row(1, "feliz", "ana", licence="CC0"),
        world.row(1, "triste", "ben", licence="other"),
    )
    with world.catalog.read() as db:
        first = images.get_image(db, sha256_of(0).hex())
        second = images.get_image(db, sha256_of(1).hex())
    assert first == {
        "sha256": sha256_of(0).hex(),
        "cid": str(world.image(0)),
        "size": len(image_bytes(0)),
        "label": "feliz",
        "labels": {"feliz": 2, "triste": 1},
        "contributors": ["ana", "ben", "carla"],
        "speakers": [
            {"issuer": world.key.did, "contributor": name, "label": label}
            for name, label in (("ana", "feliz"), ("ben", "feliz"), ("carla", "triste"))
        ],
        "subject": "p1",
        "licence": "CC0",
        "labellers": 3,
        "agreement": "0.333",  # one pair of three has the same label
        "status": "referenced",
    }
    assert second is not None
    assert (second["label"], second["licence"], second["subject"]) == (None, None, None)  # a tie, no agreement


def test_of_many_labellers_some_are_named_and_all_are_counted(world: World) -> None:
    people = [f"p{number:03}" for number in range(NAMED + 20)]
    world.label(*(world.row(0, "feliz" if number else "triste", name) for number, name in enumerate(people)))
    with world.catalog.read() as db:
        told = images.get_image(db, sha256_of(0).hex())
    assert told is not None
    assert (told["labellers"], told["labels"]) == (NAMED + 20, {"feliz": NAMED + 19, "triste": 1})
    assert told["contributors"] == [one["contributor"] for one in told["speakers"]] == people[:NAMED]


def test_a_corrected_label_no_longer_counts(world: World) -> None:
    world.label(world.row(0, "feliz"), world.row(1, "feliz"))
    world.label(world.row(0, "triste"))
    assert [row["sha256"] for row in pages(world.catalog, 10, label="feliz")] == [sha256_of(1).hex()]
    assert [row["labels"] for row in pages(world.catalog, 10, label="triste")] == [{"triste": 1}]


def test_pages_hold_everything_once(world: World) -> None:
    world.label(*(world.row(n, "feliz" if n % 3 else "triste", f"c{n % 2}") for n in range(23)))
    everything = sorted(sha256_of(n).hex() for n in range(23))
    for size in (1, 4, 23, 24):
        assert [row["sha256"] for row in pages(world.catalog, size)] == everything
    wanted = sorted(sha256_of(n).hex() for n in range(23) if n % 3 == 0 and n % 2 == 1)
    assert [row["sha256"] for row in pages(world.catalog, 2, label="triste", contributor="c1")] == wanted
    assert pages(world.catalog, 5, label="nothing") == []


def test_filters_meet_in_one_row(world: World) -> None:
    world.label(world.row(0, "feliz", "ana"), world.row(0, "triste", "ben"))
    assert pages(world.catalog, 5, label="feliz", contributor="ana") != []
    assert pages(world.catalog, 5, label="feliz", contributor="ben") == []


@pytest.mark.parametrize(
    "wanted",
    [{"limit": 0}, {"limit": -1}, {"status": "lost"}, {"cursor": "zz"}, {"cursor": "5b5d"}, {"cursor": "7b7d"}],
)
def test_bad_questions_are_wrong_usage(world: World, wanted: dict[str, Any]) -> None:
    with pytest.raises(UsageError), world.catalog.read() as db:
        images.list_images(db, **wanted)


def test_an_image_is_withdrawn_by_any_of_its_names(world: World) -> None:
    world.label(*(world.row(n, "feliz") for n in range(5)))
    with world.catalog.write() as db:
        for number in range(4):
            images.put_images(db, [(sha256_of(number), len(image_bytes(number)), ())], stored=True)
        alias = CID.v1(DAG_PB, b"\7" * 32)
        images.put_images(db, [(sha256_of(2), len(image_bytes(2)), (alias,))], stored=True)
    world.withdraw(sha256_of(0))
    world.withdraw(bytes(world.image(1)))  # by its raw CID
    world.withdraw(bytes(alias))  # by an alias
    world.withdraw(b"\5" * 32)  # nobody knows this image
    with world.catalog.read() as db:
        assert withdrawn_images(db) == {sha256_of(0), sha256_of(1), sha256_of(2), b"\5" * 32}
    for status, numbers in {"withdrawn": (0, 1, 2), "stored": (3,), "referenced": (4,)}.items():
        found = pages(world.catalog, 2, status=status)
        assert [row["sha256"] for row in found] == sorted(sha256_of(n).hex() for n in numbers)
        assert {row["status"] for row in found} == {status}


def test_an_image_is_found_by_any_of_its_names(world: World) -> None:
    world.label(world.row(0, "feliz"))
    old = world.image(0, profile="unixfs-v0-2015")
    with world.catalog.write() as db:
        images.put_images(db, [(sha256_of(0), len(image_bytes(0)), (old,))], stored=True)
        names = (
            sha256_of(0).hex(),
            sha256_of(0).hex().upper(),
            "sha256:" + sha256_of(0).hex(),
            str(world.image(0)),
            str(old),
            str(CID.v1(DAG_PB, old.digest)),
        )
        for name in names:
            assert images.resolve_image(db, name) == sha256_of(0), name
            image = images.get_image(db, name)
            assert image is not None
            assert image["cid"] == str(world.image(0))  # version 1 before version 0
        for name in ("", "nothing", "0" * 64, str(ROOT), "0" * 63):
            assert images.resolve_image(db, name) is None
            assert images.get_image(db, name) is None


def test_the_size_of_bytes_that_are_held_is_certain(world: World) -> None:
    world.label(world.row(0, "feliz", size=999))  # a contributor may be wrong
    with world.catalog.write() as db:
        images.put_images(db, [(sha256_of(0), len(image_bytes(0)), ())], stored=True)
    world.label(world.row(0, "feliz", "ben", size=998))
    with world.catalog.read() as db:
        image = images.get_image(db, sha256_of(0).hex())
    assert image is not None
    assert image["size"] == len(image_bytes(0))


QUERIES: list[dict[str, Any]] = [
    {},
    {"label": "feliz"},
    {"contributor": "ana"},
    {"subject": "p1"},
    {"attributes": {"age": "30"}},
    {"label": ["feliz", "triste"], "contributor": ["ben", "carla"]},
    {"contributor": []},
    {"label": "feliz", "contributor": "ben", "attributes": {"age": "30"}},
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_queries_mean_what_the_audit_takes_them_to_mean(world: World, query: dict[str, Any]) -> None:
    first = [
        world.row(0, "feliz", "ana", subject="p1"),
        world.row(0, "triste", "ben", attributes={"age": "30"}),
        world.row(1, "feliz", "ben", attributes={"age": "30", "sex": "f"}),
        world.row(2, "feliz", "ana"),
    ]
    second = [world.row(0, "enojado", "ana"), world.row(2, "feliz", "ben", attributes={"age": "30"})]
    world.label(*first)
    world.label(*second)
    with world.catalog.read() as db:
        found = list(current_rows(db, query))
    for row in found:
        del row["contribution"], row["place"], row["withdrawn"]
    said = [{**row, "issuer": world.key.did} for row in (*first, *second)]
    assert found == [row for row in resolve_rows(said) if matches(row, query)]


@pytest.mark.parametrize(
    "query", [{"labels": "feliz"}, {"label": 3}, {"attributes": {"age": 3}}, {"status": "stored"}, {"label": [3]}]
)
def test_queries_that_mean_nothing_are_refused(world: World, query: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput), world.catalog.read() as db:
        list(current_rows(db, query))


CLASSES: Classes = classes_of(("feliz", "triste"), {"feliz": 0, "triste": 1})
ROW = st.tuples(
    st.integers(0, 4), st.sampled_from(["ana", "ben"]), st.sampled_from(["feliz", "triste", "?"]), st.booleans()
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(ROW, min_size=1, max_size=5, unique_by=lambda row: row[:2]), min_size=1, max_size=6),
    st.sampled_from(QUERIES[:3]),
)
def test_a_snapshot_follows_from_the_contributions_it_names(
    world: World, batches: list[list[tuple[int, str, str, bool]]], query: dict[str, Any]
) -> None:
    """Whoever reads the named contributions alone, in their order, decides the same items.

    Labels as given are filtered after the newest row was found, so a correction that lies in a
    contribution that was not named would bring a row back that no longer counts.
    """
    world = World(world.catalog, key=MemorySigner(100 + world.minute))
    with world.catalog.engine.begin() as connection:
        for table in reversed(REBUILDABLE):
            connection.execute(table.delete())
    tables_of: dict[CID, list[dict[str, Any]]] = {}
    for batch in batches:
        for key in {world.key, *({MemorySigner(2)} if batch[0][3] else set())}:
            rows = [world.row(number, label, contributor) for number, contributor, label, _ in batch]
            tables_of[world.label(*rows, key=key)] = [{**row, "issuer": key.did} for row in rows]
    with world.catalog.read() as db:
        chosen = list(current_rows(db, query))
        named = bearing_on(db, {row["sha256"] for row in chosen})
    read = resolve_rows(row for cid in named for row in tables_of[cid])
    again = [row for row in read if matches(row, query)]
    assert select(again, CLASSES) == select(chosen, CLASSES)


def test_contributions_about_other_images_are_not_named(world: World) -> None:
    first = world.label(world.row(0, "feliz"), world.row(1, "feliz"))
    second = world.label(world.row(1, "triste"), world.row(2, "feliz"))
    third = world.label(world.row(3, "feliz"))
    with world.catalog.read() as db:
        assert bearing_on(db, {sha256_of(0)}) == [first, second]
        assert bearing_on(db, {sha256_of(3)}) == [third]
        assert bearing_on(db, {sha256_of(n) for n in range(9)}) == [first, second, third]
        assert bearing_on(db, set()) == []


def test_a_filter_for_those_who_labelled_a_source(world: World) -> None:
    world.label(world.row(0, "feliz", "ana"), world.row(1, "feliz", "ben"), world.row(2, "feliz", "carla"))
    with world.catalog.write() as db:
        for number in (0, 1):
            private.add_file_names(db, ROOT, [(sha256_of(number), f"{number}.jpg")])
        did = world.key.did
        assert contributors_query(db, ROOT) == {"speakers": [[did, "ana"], [did, "ben"]]}
        private.add_file_names(db, ROOT, [(sha256_of(2), "2.jpg")])
        assert contributors_query(db, ROOT) == {}  # nobody else labelled anything


def test_a_pseudonym_is_stable_until_its_key_is_destroyed(world: World) -> None:
    with world.catalog.write() as db:
        first = private.pseudonym(db, "Ana García")
        assert len(bytes.fromhex(first)) == 16
        assert private.pseudonym(db, "Ana García") == first
        assert private.pseudonym(db, "ana garcía") != first
    with world.catalog.write() as db:
        assert private.pseudonym(db, "Ana García") == first
        private.forget_subject(db, "Ana García")
        assert private.pseudonym(db, "Ana García") != first
        with pytest.raises(NotFound):
            private.forget_subject(db, "nobody")


def test_a_pseudonym_can_not_be_found_from_the_name(tmp_path: Any) -> None:
    found = set()
    for number in range(2):
        catalog = Catalog(f"sqlite:///{tmp_path}/{number}.sqlite")
        catalog.upgrade()
        with catalog.write() as db:
            found.add(private.pseudonym(db, "Ana"))
        catalog.close()
    assert len(found) == 2


def test_every_name_that_an_image_came_under_is_known_once(world: World) -> None:
    with world.catalog.write() as db:
        private.add_file_names(db, ROOT, [(sha256_of(0), "b.jpg")])
        private.add_file_names(db, ROOT, [(sha256_of(0), "a.jpg")])
        private.add_file_names(db, ROOT, [(sha256_of(0), "a.jpg")])
        assert private.file_names(db, sha256_of(0)) == ["a.jpg", "b.jpg"]
        assert private.file_names(db, sha256_of(1)) == []


def test_a_source_once_public_stays_so(world: World) -> None:
    with world.catalog.write() as db:
        private.add_source(db, ROOT, kind="folder", private=True, at=NOW)
        assert private.private_roots(db) == {ROOT}
        private.add_source(db, ROOT, kind="folder", private=False, at=NOW)
        assert private.private_roots(db) == set()
        private.add_source(db, ROOT, kind="folder", private=True, at=NOW)
        assert private.private_roots(db) == set()


def test_no_private_name_is_in_a_table_that_follows_from_records(world: World) -> None:
    with world.catalog.write() as db:
        pseudonym = private.pseudonym(db, "Ana García")
        private.add_file_names(db, ROOT, [(sha256_of(0), "Ana García.jpg")])
    world.label(world.row(0, "feliz", subject=pseudonym))
    world.everything()
    assert "Garc" not in repr(dump(world.catalog))
    assert isinstance(records.parse(world.store.get(world.entries[0])), records.Entry)
