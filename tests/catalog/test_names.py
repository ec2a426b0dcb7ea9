"""The index of names, and what begins alike, on both databases."""

from __future__ import annotations

import pytest

from registry.catalog.index.rebuild import rebuild
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.signed_records import names
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from tests.catalog.world import NOW, World, dump, sha256_of
from tests.support.anchors.signer import MemorySigner

STRANGER = MemorySigner(8)


def called(world: World, name: str, target: CID, key: MemorySigner | None = None) -> None:
    world.append(records.Name(name=name, target=bytes(target)), key=key)


def snapshots(world: World, count: int = 3) -> list[CID]:
    contribution = world.label(*(world.row(number, "feliz") for number in range(count)))
    return [world.snapshot(range(number + 1), [contribution]) for number in range(count)]


def test_a_name_counts_what_it_stood_for_and_comes_back_to_a_thing_as_a_new_number(world: World) -> None:
    first, second, _ = snapshots(world)
    for target in (first, second, first):
        called(world, "faces", target)
    called(world, "faces", second, STRANGER)
    with world.catalog.read() as db:
        own = names.history(db, "faces", [world.key.did])
        everybodys = names.history(db, "faces")
        listed, _ = names.list_names(db)
    assert [(row["number"], row["target"], row["current"]) for row in own] == [
        (1, str(first), False),
        (2, str(second), False),
        (3, str(first), True),
    ]
    assert {row["type"] for row in own} == {"snapshot"}
    assert len(everybodys) == 4
    assert sorted((row["issuer"], row["number"]) for row in listed) == sorted([(world.key.did, 3), (STRANGER.did, 1)])


def test_a_name_of_what_is_not_known_here_has_no_type(world: World) -> None:
    called(world, "elsewhere", world.put(records.Environment(values={"far": "away"})))
    with world.catalog.read() as db:
        (row,) = names.history(db, "elsewhere")
    assert row["type"] is None


def test_pages_of_names_hold_each_once(world: World) -> None:
    target, *_ = snapshots(world, 1)
    for number in range(5):
        called(world, f"faces-{number}", target)
    called(world, "faces-2", target, STRANGER)
    found: list[tuple[str, str]] = []
    cursor = None
    with world.catalog.read() as db:
        while True:
            page, cursor = names.list_names(db, cursor=cursor, limit=2)
            found += [(row["name"], row["issuer"]) for row in page]
            if cursor is None:
                break
        own, _ = names.list_names(db, [STRANGER.did])
    assert found == sorted(found)
    assert len(set(found)) == len(found) == 6
    assert [row["name"] for row in own] == ["faces-2"]


def test_only_who_gave_the_name_or_signed_the_target_withdraws_what_it_stands_for(world: World) -> None:
    first, second, third = snapshots(world)
    for name, target in (("one", first), ("two", second), ("three", third)):
        called(world, name, target)
    called(world, "theirs", first, STRANGER)
    world.append(records.Withdrawal(target=bytes(first), reason="r", remedy="notice", effective=NOW))
    world.append(records.Withdrawal(target=bytes(second), reason="r", remedy="notice", effective=NOW), key=STRANGER)
    with world.catalog.read() as db:
        listed, _ = names.list_names(db)
        latest = names.latest(db, "snapshot", [world.key.did])
    assert {row["name"] for row in listed if row["withdrawn"]} == {"one", "theirs"}
    assert latest == str(third)


def test_the_latest_is_the_newest_own_one_that_was_not_withdrawn(world: World) -> None:
    first, second, third = snapshots(world)
    world.append(records.Withdrawal(target=bytes(third), reason="r", remedy="notice", effective=NOW))
    world.append(records.Withdrawal(target=bytes(second), reason="r", remedy="notice", effective=NOW), key=STRANGER)
    world.append(records.parse(world.store.get(first)), key=STRANGER)  # signed again by somebody, later
    with world.catalog.read() as db:
        assert names.latest(db, "snapshot", [world.key.did]) == str(second)
        assert names.latest(db, "snapshot", [STRANGER.did]) == str(first)
        assert names.latest(db, "snapshot", []) is None
        assert names.latest(db, "release", [world.key.did]) is None


def test_the_latest_run_is_the_last_that_completed(world: World) -> None:
    with world.catalog.write() as db:
        for number, (status, issuer) in enumerate(
            [("completed", world.key.did), ("completed", None), ("running", world.key.did), ("completed", "other")]
        ):
            runs.create(
                db,
                snapshot="s",
                recipe_name="r",
                engine=None,
                options={},
                now=f"2026-01-0{number + 1}T00:00:00Z",
                status=status,
                run=f"r{number}",
                issuer=issuer,
            )
        assert names.latest_run(db, [world.key.did]) == "r1"
        assert names.latest_run(db, []) == "r1"


def test_a_run_is_known_by_the_name_that_its_plan_will_have(world: World) -> None:
    with world.catalog.write() as db:
        for run, options in (("ra", {"name": "faces"}), ("rb", {}), ("rc", {"name": "faces"})):
            runs.create(db, snapshot="s", recipe_name="r", engine=None, options=options, now=NOW, run=run)
        runs.update(db, "ra", plan="p")
        assert names.runs_to_be_named(db, "faces") == ["rc"]
        assert runs.unfinished(db, "x", "s", "r", {"name": "other"}) is not None


def test_what_begins_alike_is_found_with_what_it_is(world: World) -> None:
    made = world.everything()
    with world.catalog.read() as db:
        (row,) = names.records_begun(db, str(made.release)[:20])
        assert row == {"cid": str(made.release), "record": str(made.release), "type": "release"}
        (row,) = names.records_begun(db, str(made.entry)[:20])
        assert row == {"cid": str(made.entry), "record": str(made.release), "type": "release"}
        assert names.records_begun(db, str(made.release)[:20], ("snapshot", "plan")) == []
        (row,) = names.records_begun(db, str(made.card)[:20])
        assert row["type"] == "content"
        assert {row["type"] for row in names.records_begun(db, "bafyrei", ("release",))} == {"release"}
        assert len(names.records_begun(db, "bafyrei", ("release",))) == 2  # the record and its entry
        assert names.images_begun(db, sha256_of(3).hex()[:12]) == [sha256_of(3).hex()]
        assert sha256_of(3).hex() in names.images_begun(db, str(world.image(3))[:20])


def test_an_image_that_nobody_labeled_is_not_found_by_its_beginning(world: World) -> None:
    with world.catalog.write() as db:
        images.put_images(db, [(sha256_of(0), 10, [world.image(0)])], stored=True)
        assert names.images_begun(db, sha256_of(0).hex()[:8]) == []
        assert names.images_begun(db, str(world.image(0))[:20]) == []
    world.label(world.row(0, "feliz"))
    with world.catalog.read() as db:
        assert names.images_begun(db, sha256_of(0).hex()[:8]) == [sha256_of(0).hex()]
        assert names.images_begun(db, str(world.image(0))[:20]) == [sha256_of(0).hex()]


def test_a_name_that_is_none_is_not_indexed(world: World) -> None:
    data = records.encode(records.Name(name="faces", target=bytes(snapshots(world)[0]))).replace(b"faces", b"FACES")
    with pytest.raises(InvalidInput):
        records.parse(data)


def test_a_rebuild_restores_names(world: World) -> None:
    made = world.everything()
    for target in (made.snapshot, made.plan, made.release):
        called(world, "faces", target)
    before = dump(world.catalog)
    assert len(before["names"]) == 4
    rebuild(world.catalog, world.store.get, world.store.cids(), NOW)
    assert dump(world.catalog)["names"] == before["names"]
    with world.catalog.read() as db:
        assert [row["type"] for row in names.history(db, "faces")] == ["snapshot", "plan", "release"]


def test_names_of_things_are_found_with_whose_they_are(world: World) -> None:
    first, second, _ = snapshots(world)
    for name, target, key in (("a", first, None), ("a", second, None), ("b", first, STRANGER), ("c", second, None)):
        called(world, name, target, key)
    with world.catalog.read() as db:
        found = names.of_targets(db, [str(first)])
    assert [(row["name"], row["issuer"], row["number"], row["current"]) for row in found] == [
        ("a", world.key.did, 1, False),
        ("b", STRANGER.did, 1, True),
    ]
