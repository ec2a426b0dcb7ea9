"""Who names what, what came from what, and what a withdrawal touches."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from registry.catalog.database.sql import encode_cursor
from registry.catalog.queries.signed_records.lineage import is_mentioned, lineage, lookup, lookup_page, touched
from registry.core import records
from registry.core.errors import InvalidInput, UsageError
from registry.core.ipld.cid import CID, DAG_CBOR
from tests.catalog.world import Release, World, at, sha256_of
from tests.support.anchors.signer import MemorySigner


def kin(world: World, cid: CID) -> dict[str, str]:
    with world.catalog.read() as db:
        return {node["cid"]: node["type"] for node in lineage(db, cid)[0]}


def relations(world: World, text: str) -> set[tuple[str, str, str]]:
    with world.catalog.read() as db:
        return {(row["record"], row["type"], row["relation"]) for row in lookup(db, text)}


def test_everything_that_names_an_image(world: World) -> None:
    made = world.everything()
    with world.catalog.read() as db:
        found = lookup(db, sha256_of(3).hex())
        assert lookup(db, str(world.image(3))) == found
        assert lookup(db, "sha256:" + sha256_of(3).hex()) == found
    assert [(row["type"], row["relation"]) for row in found] == [
        ("contribution", "labels"),
        ("snapshot", "holds"),
        ("withdrawal", "withdraws"),
    ]
    assert {row["issuer"] for row in found} == {world.key.did}
    assert [row["time"] for row in found] == sorted(row["time"] for row in found)
    assert found[1]["record"] == str(made.snapshot)
    assert (str(made.snapshot), "snapshot", "excludes") in relations(world, sha256_of(5).hex())


def test_everything_that_names_a_record(world: World) -> None:
    made = world.everything()
    assert relations(world, str(made.draw)) == {
        (str(made.release), "release", "uses"),
        (str(made.evaluation), "evaluation", "of"),
        *((str(cid), "training", "of") for cid in made.trainings),
    }
    assert {(kind, relation) for _, kind, relation in relations(world, str(made.release))} == {
        ("entry", "says"),
        ("audit", "audits"),
    }
    assert {kind for _, kind, _ in relations(world, str(made.entry))} == {"entry", "evidence"}  # the next one, too
    assert relations(world, str(made.weights[0])) == {
        (str(made.release), "release", "weights"),
        (str(made.trainings[0]), "training", "weights"),
    }


def test_a_record_is_found_by_its_digest_and_weights_by_their_tensors(world: World) -> None:
    made = world.everything()
    assert relations(world, made.draw.digest.hex()) == relations(world, str(made.draw)) != set()
    training = records.parse_as(records.Training, world.store.get(made.trainings[1]))
    assert {(row[0], row[2]) for row in relations(world, training.tensors)} == {
        (str(made.release), "tensors"),
        (str(made.trainings[1]), "tensors"),
    }


def test_a_record_that_no_entry_says_itself_has_no_issuer(world: World) -> None:
    made = world.everything()
    with world.catalog.read() as db:
        found = {row["record"]: row for row in lookup(db, str(made.draw))}
    assert found[str(made.trainings[0])]["issuer"] is None
    assert found[str(made.release)]["issuer"] == world.key.did


def in_pages(world: World, text: str, limit: int, only: str | None = None) -> list[dict[str, Any]]:
    """All pages together; none is longer than ``limit``, and only the last may be shorter."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        with world.catalog.read() as db:
            page, cursor = lookup_page(db, text, only=only, cursor=cursor, limit=limit)
        found += page
        assert len(page) == limit if cursor else len(page) <= limit
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_what_names_a_thing_are_the_whole_of_it_in_its_order(world: World, limit: int) -> None:
    made = world.everything()
    for number in range(3):
        world.label(world.row(3, "feliz", f"c{number}"))
    for text in (sha256_of(3).hex(), str(made.draw), str(made.release), str(made.entry), str(made.weights[0])):
        with world.catalog.read() as db:
            whole = lookup(db, text)
        assert whole == sorted(whole, key=lambda row: (row["time"] or "", row["record"], row["relation"]))
        assert in_pages(world, text, limit) == whole != []
        for kind in {row["type"] for row in whole}:
            assert in_pages(world, text, limit, kind) == [row for row in whole if row["type"] == kind]
    assert in_pages(world, str(made.release), limit, "snapshot") == []


def test_a_page_of_what_names_a_thing_is_cut_by_the_database(world: World) -> None:
    """However many name it, no statement brings more rows than the page and the one that tells of the next."""
    for number in range(30):
        world.label(world.row(1, "feliz", f"c{number}"))
    asked: list[str] = []
    sa.event.listen(world.catalog.engine, "before_cursor_execute", lambda *given: asked.append(str(given[2])))
    with world.catalog.read() as db:
        page, cursor = lookup_page(db, sha256_of(1).hex(), limit=2)
    assert (len(page), cursor is None) == (2, False)
    assert [one for one in asked if "UNION" in one]
    assert all("LIMIT" in one for one in asked if "UNION" in one)


def test_a_cursor_of_another_list_is_refused(world: World) -> None:
    with world.catalog.read() as db, pytest.raises(UsageError):
        lookup_page(db, sha256_of(1).hex(), cursor=encode_cursor("a", "b"), limit=2)


def test_what_nobody_names_is_found_nowhere(world: World) -> None:
    world.everything()
    stranger = CID.v1(DAG_CBOR, bytes(32))
    with world.catalog.read() as db:
        assert lookup(db, str(stranger)) == []
        assert lookup(db, "00" * 32) == []
        assert not is_mentioned(db, str(stranger))
        assert lineage(db, stranger) == ([], [])
        assert touched(db, str(stranger)) == []
        with pytest.raises(InvalidInput):
            lookup(db, "neither a CID nor a digest")


def test_up_from_a_release_to_the_labels(world: World) -> None:
    made = world.everything()
    with world.catalog.read() as db:
        nodes, edges = lineage(db, made.release)
    kinds = [node["type"] for node in nodes]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "release": 1,
        "draw": 1,
        "plan": 1,
        "preprocessing": 1,
        "snapshot": 1,
        "contribution": 2,
        "recipe": 1,
        "environment": 1,
        "training": 2,
        "evaluation": 1,
        "weights": 2,
        "card": 1,
        "entry": 3,  # the release's own, the plan's, which it links to, and the audit's
        "evidence": 1,
        "audit": 1,
    }
    found = {(edge["from"], edge["to"], edge["relation"]) for edge in edges}
    chain = (
        (made.release, made.draw, "uses"),
        (made.draw, made.plan, "of"),
        (made.plan, made.preprocessing, "of"),
        (made.preprocessing, made.snapshot, "of"),
        (made.release, made.plan_entry, "plan entry"),
        (made.plan_entry, made.plan, "says"),
        (made.entry, made.release, "says"),
    )
    for one, other, relation in chain:
        assert (str(one), str(other), relation) in found
    names = {node["cid"] for node in nodes}
    assert all(edge["from"] in names and edge["to"] in names for edge in edges)
    assert len(found) == len(edges)


def test_down_from_labels_to_the_release(world: World) -> None:
    made = world.everything()
    contribution = next(cid for cid, kind in kin(world, made.release).items() if kind == "contribution")
    assert kin(world, CID.parse(contribution))[str(made.release)] == "release"
    assert str(made.release) in kin(world, made.weights[0])


def two_releases(world: World) -> tuple[CID, Release, Release]:
    contribution = world.label(*(world.row(n, "feliz") for n in range(8)))
    first = world.release(world.snapshot(range(4), [contribution]), range(4))
    second = world.release(world.snapshot(range(4, 8), [contribution]), range(4, 8), supersedes=first.release)
    return contribution, first, second


def test_siblings_are_no_kin(world: World) -> None:
    contribution, first, second = two_releases(world)
    mine = kin(world, first.snapshot)
    assert str(second.snapshot) not in mine
    assert str(second.release) not in mine
    assert {str(first.release), str(second.release)} <= set(kin(world, contribution))


def test_what_supersedes_a_release_is_shown_without_its_own_kin(world: World) -> None:
    _, first, second = two_releases(world)
    mine = kin(world, first.release)
    assert mine[str(second.release)] == "release"
    assert str(second.draw) not in mine
    assert kin(world, second.release)[str(first.release)] == "release"


def test_an_images_kin_and_what_its_withdrawal_touches(world: World) -> None:
    contribution, first, second = two_releases(world)
    image = world.image(1)
    mine = kin(world, image)
    assert mine[sha256_of(1).hex()] == "image"
    assert mine[str(contribution)] == "contribution"
    assert mine[str(first.release)] == "release"
    assert str(second.release) not in mine
    with world.catalog.read() as db:
        expected = [{"cid": str(first.release), "type": "release"}, {"cid": str(first.snapshot), "type": "snapshot"}]
        assert touched(db, str(image)) == expected
        assert touched(db, sha256_of(1).hex()) == expected
        assert touched(db, str(first.snapshot)) == expected[:1]
        assert touched(db, str(first.release)) == []  # the release that supersedes it does not rest on it
        assert {row["cid"] for row in touched(db, str(contribution))} == {
            str(one) for made in (first, second) for one in (made.release, made.snapshot)
        }


def test_an_image_that_a_snapshot_excluded_does_not_touch_it(world: World) -> None:
    contribution = world.label(world.row(0, "feliz"), world.row(1, "?"))
    world.snapshot([0], [contribution], excluded=[1])
    with world.catalog.read() as db:
        assert touched(db, sha256_of(1).hex()) == []


def test_the_first_who_said_it_stands_for_it(world: World) -> None:
    contribution = world.label(world.row(0, "feliz"))
    world.label(world.row(0, "feliz"), key=MemorySigner(8))
    with world.catalog.read() as db:
        (found,) = (row for row in lookup(db, sha256_of(0).hex()) if row["record"] == str(contribution))
    assert (found["issuer"], found["time"]) == (world.key.did, at(2))


def test_lineage_of_a_long_history_takes_a_query_a_generation(world: World) -> None:
    """Dozens of snapshots and releases cost no more queries than one."""
    contribution = world.label(*(world.row(n, "feliz") for n in range(4)))
    releases = [
        world.release(world.snapshot(range(2 + number % 3), [contribution]), range(2), seed=number)
        for number in range(30)
    ]
    with world.catalog.read() as db:
        asked: list[str] = []
        sa.event.listen(db, "before_cursor_execute", lambda *about: asked.append(about[2]))
        nodes, edges = lineage(db, contribution)
    assert {str(made.release) for made in releases} <= {node["cid"] for node in nodes}
    assert len(edges) > 400
    assert len(asked) < 40
