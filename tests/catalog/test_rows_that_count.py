"""What was taken back counts nowhere, whoever asks, in whatever order it became known, and after a rebuild."""

from __future__ import annotations

import random
from typing import Any

import pytest

from registry.catalog.index.rebuild import rebuild
from registry.catalog.queries.labeled_images import image_counts, images
from registry.catalog.queries.labeled_images.history import image_history
from registry.catalog.queries.labeled_images.image_grid import Filters, page
from registry.catalog.queries.signed_records.withdrawals import withdrawn_images
from registry.core import records
from tests.catalog.test_image_counts import check_kept
from tests.catalog.world import NOW, World, sha256_of
from tests.support.anchors.signer import MemorySigner

OTHER = MemorySigner(8)


def told(world: World, number: int = 0) -> dict[str, Any]:
    with world.catalog.read() as db:
        found = images.get_image(db, sha256_of(number).hex())
    assert found is not None
    return found


def take_back(world: World, contributor: str, number: int | None = None, key: MemorySigner | None = None) -> None:
    who, target = (key or world.key).did, None if number is None else sha256_of(number)
    said = {"reason": "asked", "remedy": "notice", "effective": NOW}
    record = records.Withdrawal(target=target, issuer=who, contributor=contributor, **said)  # type: ignore[arg-type]
    world.append(record, key=key)


def test_a_row_that_was_taken_back_counts_nowhere(world: World) -> None:
    world.label(world.row(0, "feliz", "p1"), world.row(0, "feliz", "p2"), world.row(0, "triste", "z1"))
    world.label(world.row(1, "feliz", "p1"))
    take_back(world, "p1", 0)
    take_back(world, "p2")
    found = told(world)
    assert (found["label"], found["labels"], found["labellers"]) == ("triste", {"triste": 1}, 1)
    assert (found["agreement"], found["contributors"], found["status"]) == (None, ["z1"], "referenced")
    assert [one["contributor"] for one in found["speakers"]] == ["z1"]
    with world.catalog.read() as db:
        history = {one["contributor"]: one for one in image_history(db, sha256_of(0))}
        assert {name: one["current"] for name, one in history.items()} == {"p1": False, "p2": False, "z1": True}
        assert [name for name, one in sorted(history.items()) if one["withdrawn"]] == ["p1", "p2"]
        assert history["p1"]["withdrawn"] != history["p2"]["withdrawn"]
        assert page(db, Filters(disputed=True)).images == []
        assert page(db, Filters(contributor="p2")).images == []
        assert [one["sha256"] for one in page(db, Filters(contributor="p1")).images] == [sha256_of(1).hex()]
        assert image_counts.images(db, "label", "feliz") == 1
    check_kept(world.catalog)
    world.label(world.row(0, "enojado", "p2"), world.row(2, "feliz", "p2"))  # later rows neither
    assert told(world)["labels"] == {"triste": 1}
    assert told(world, 2)["status"] == "withdrawn"
    check_kept(world.catalog)


def test_an_image_of_which_nothing_is_left_is_withdrawn_until_somebody_says_something(world: World) -> None:
    world.label(world.row(0, "feliz", "p1"))
    take_back(world, "p1")
    assert (told(world)["status"], told(world)["labels"]) == ("withdrawn", {})
    with world.catalog.read() as db:
        assert withdrawn_images(db) == {sha256_of(0)}
        assert [one["sha256"] for one in page(db, Filters(status="withdrawn")).images] == [sha256_of(0).hex()]
        assert page(db, Filters()).images == []
    world.label(world.row(0, "triste", "z1"))
    assert (told(world)["status"], told(world)["label"]) == ("referenced", "triste")
    check_kept(world.catalog)


def test_a_strangers_withdrawal_takes_nothing_back_and_who_registered_it_too_only_what_they_said(world: World) -> None:
    world.label(world.row(0, "feliz"), world.row(1, "feliz"))
    world.label(world.row(1, "triste"), world.row(2, "triste"), key=OTHER)
    for number in range(3):
        world.withdraw(sha256_of(number), key=OTHER)
    assert (told(world)["status"], told(world)["label"]) == ("referenced", "feliz")
    assert (told(world, 1)["status"], told(world, 1)["labels"]) == ("referenced", {"feliz": 1})
    assert told(world, 2)["status"] == "withdrawn"
    with world.catalog.read() as db:
        assert withdrawn_images(db) == {sha256_of(2)}
    world.withdraw(sha256_of(1))  # this home's own: as a whole
    assert told(world, 1)["status"] == "withdrawn"
    check_kept(world.catalog)


def test_who_may_not_takes_no_row_back(world: World) -> None:
    world.label(world.row(0, "feliz", "p1"))
    said = {"reason": "asked", "remedy": "notice", "effective": NOW, "contributor": "p1"}
    for issuer in (world.key.did, OTHER.did):
        record = records.Withdrawal(target=None, issuer=issuer, **said)  # type: ignore[arg-type]
        world.append(record, key=OTHER)
    assert told(world)["label"] == "feliz"


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_what_is_said_and_taken_back_changes_nothing(world: World, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(6):
        rows = [world.row(n, chance.choice(["feliz", "triste"]), chance.choice("abc")) for n in range(4)]
        world.label(*rows, key=chance.choice([world.key, OTHER]), index=False)
    for key in (world.key, OTHER):
        record = {"reason": "asked", "remedy": "notice", "effective": NOW, "issuer": key.did}
        whole = records.Withdrawal(target=None, contributor="a", **record)  # type: ignore[arg-type]
        one = records.Withdrawal(target=sha256_of(1), contributor="b", **record)  # type: ignore[arg-type]
        for said in (whole, one):
            world.append(said, key=key, index=False)
    world.append(
        records.Withdrawal(target=sha256_of(3), reason="asked", remedy="notice", effective=NOW), key=OTHER, index=False
    )
    world.index(*chance.sample(world.entries, len(world.entries)))
    check_kept(world.catalog)
    known = [told(world, number) | {"status": ""} for number in range(4)]  # it finds their bytes
    rebuild(world.catalog, world.store.get, world.store.cids(), NOW)
    assert [told(world, number) | {"status": ""} for number in range(4)] == known
    check_kept(world.catalog)
