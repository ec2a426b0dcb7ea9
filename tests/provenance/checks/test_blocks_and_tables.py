"""Level 1, check by check: blocks, their closure, images and their rows, records in their places, tables."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import msgspec
import pytest

from registry.content.stores.memory import MemoryStore
from registry.content.unixfs.importer import add_bytes
from registry.core import records
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from registry.core.ipld.dag import walk_closure
from registry.core.log import make_entry
from registry.core.table import tables
from registry.provenance.checks import level1
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED
from registry.provenance.checks.run_levels import run_checks
from tests.support.forgery import OtherKey, put, replaced, way_back
from tests.support.old_release import OldRelease, outcome

NOWHERE = cid_of(b"nowhere", DAG_CBOR)
Row = dict[str, Any]


@pytest.fixture
def one() -> OldRelease:
    return OldRelease()


def found(one: OldRelease, id: str, *more: CID, **fields: Any) -> tuple[str, str]:
    return outcome(level1.checks(one.subject(more, **fields)), id)


def items_of(one: OldRelease) -> list[Row]:
    return list(tables.rows_as_dicts(one.view.snapshot.items, one.store.get))


def with_items(one: OldRelease, rows: list[Row]) -> None:
    """The same release of a snapshot with these items."""
    names = records.SNAPSHOT_ITEMS.columns
    table = tables.build(records.SNAPSHOT_ITEMS, [[row[name] for name in names] for row in rows], one.store.put)
    one.forge(replaced(one.view.preprocessing.snapshot, one.view.snapshot, items=table))


def with_images(one: OldRelease, count: int | None = None) -> list[bytes]:
    """Give every item, or the first ones, an image whose bytes are here: each is longer than the one before."""
    rows = items_of(one)
    images = [b"image" + b"." * number for number in range(len(rows))][:count]
    for row, data in zip(rows, images, strict=False):
        row |= {"image": put(one, data, RAW), "sha256": hashlib.sha256(data).digest(), "size": len(data)}
    with_items(one, rows)
    return images


def test_an_honest_release_holds_and_says_what_it_holds(one: OldRelease) -> None:
    with_images(one)
    checks = list(level1.checks(one.subject()))
    assert [(check.id, check.result, check.reason) for check in checks] == [
        ("1.blocks", HOLDS, ""),
        ("1.complete", HOLDS, ""),
        ("1.images", HOLDS, "24 images"),
        ("1.records", HOLDS, "16 records"),
        ("1.tables", HOLDS, "10 tables"),
    ]


def test_blocks_of_a_file_are_counted_and_a_damaged_one_is_named(one: OldRelease) -> None:
    assert found(one, "1.blocks", present=set(one.store.all)) == (HOLDS, f"{len(one.store.all)} blocks")
    result, reason = found(one, "1.blocks", damaged=[NOWHERE])
    assert (result, str(NOWHERE) in reason) == (FAILS, True)


def test_a_block_that_is_not_here_is_missing_and_named(one: OldRelease) -> None:
    weights = one.view.trainings[0].weights
    del one.store.all[weights]
    result, reason = found(one, "1.complete")
    assert (result, str(weights) in reason) == (FAILS, True)
    assert found(one, "1.complete", roots=[one.view.preprocessing.snapshot])[0] == HOLDS


def test_a_block_that_a_home_does_not_hold_accuses_nobody(one: OldRelease) -> None:
    with_images(one, 3)
    assert found(one, "1.images", in_part=True)[0] == UNCHECKED
    del one.store.all[one.view.trainings[0].weights]
    result, reason = found(one, "1.complete", in_part=True)
    assert (result, "not held here" in reason) == (UNCHECKED, True)
    assert found(one, "1.complete")[0] == FAILS, "a file claims to be whole"
    report = run_checks(one.subject(in_part=True), (1,))
    assert report.records == "undecided"
    assert not report.holds
    assert found(one, "1.complete", in_part=True, damaged=[NOWHERE])[0] == FAILS


def test_images_are_no_part_of_what_must_be_complete(one: OldRelease) -> None:
    assert not any(one.store.has(row["image"]) for row in items_of(one))
    assert found(one, "1.complete") == (HOLDS, "")


def test_what_nothing_leads_to_is_counted_as_beside_the_target(one: OldRelease) -> None:
    with_images(one)
    known = {cid for cid in one.store.all if not found(one, "1.complete", present=[cid])[1]}
    assert set(way_back(one, one.entry)) <= known
    assert {row["image"] for row in items_of(one)} <= known, "images lie beside the closure, and belong to it"
    beside = [put(one, b"beside"), put(one, b"beside too", RAW)]
    result, reason = found(one, "1.complete", present=[*known, *beside])
    assert (result, reason) == (HOLDS, "2 blocks of the file are not part of the audited target")


def test_images_may_be_left_out_all_together_only(one: OldRelease) -> None:
    assert found(one, "1.images")[0] == UNCHECKED
    lost = items_of(one)[0]["image"]
    assert found(one, "1.images", damaged=[lost])[0] == FAILS, "one that is damaged was not left out"
    with_images(one, 23)
    result, reason = found(one, "1.images")
    missing = next(row["image"] for row in items_of(one) if not one.store.has(row["image"]))
    assert (result, str(missing) in reason, reason.count("baf")) == (FAILS, True, 1)


@pytest.mark.parametrize(("field", "value"), [("size", 4), ("sha256", b"s" * 32)])
def test_an_image_that_is_not_its_rows_is_named_with_both(one: OldRelease, field: str, value: Any) -> None:
    with_images(one)
    rows = items_of(one)
    rows[5][field] = value
    image = rows[5]["image"]
    with_items(one, rows)
    result, reason = found(one, "1.images")
    assert (result, reason.startswith(f"image {image} has ")) == (FAILS, True)
    assert str(value if field == "size" else value.hex()) in reason


@pytest.mark.parametrize(("field", "value"), [(None, None), ("size", 4), ("sha256", b"s" * 32)])
def test_an_image_of_many_blocks_is_read_piece_by_piece(one: OldRelease, field: str | None, value: Any) -> None:
    data, store = random.Random(1).randbytes(2_500_000), MemoryStore()
    image = add_bytes(store, data).cid
    assert image.codec != RAW
    for cid, block in walk_closure(store.get, [image]):
        one.store.put(cid, block)
    with_images(one)
    rows = items_of(one)
    rows[5] |= {"image": image, "sha256": hashlib.sha256(data).digest(), "size": len(data)}
    if field is None:
        with_items(one, rows)
        assert found(one, "1.images") == (HOLDS, "24 images")
        return
    rows[5][field] = value
    with_items(one, rows)
    result, reason = found(one, "1.images")
    assert (result, reason.startswith(f"image {image} has ")) == (FAILS, True)


def test_what_came_after_this_program_is_not_checked_and_hides_nothing(one: OldRelease) -> None:
    newer = put(one, records.encode(one.view.release).replace(b"\x61v\x01", b"\x61v\x02"))
    result, reason = found(one, "1.records", entry=None, record=newer, roots=[newer], log_entries=[])
    assert (result, "newer" in reason) == (UNCHECKED, True)
    snapshot = one.view.snapshot
    value = encoding.decode(one.store.get(snapshot.items))
    table = put(one, encoding.encode({**value, "columnsVersion": 99}))
    one.forge(replaced(one.view.preprocessing.snapshot, snapshot, items=table))
    result, reason = found(one, "1.tables")
    assert (result, "newer" in reason) == (UNCHECKED, True)
    other = OldRelease()  # in which a table behind the newer one is wrong too
    other.store.put(table, one.store.get(table))
    other.forge(replaced(other.view.preprocessing.snapshot, snapshot, items=table, excluded=snapshot.items))
    assert found(other, "1.tables")[0] == FAILS


def test_a_withdrawn_image_may_be_missing_if_its_contributors_issuer_took_it_back(one: OldRelease) -> None:
    with_images(one, 23)
    missing = next(row for row in items_of(one) if not one.store.has(row["image"]))

    def withdrawn(target: bytes) -> tuple[str, str]:
        said = records.Withdrawal(target=target, reason="asked", remedy="notice", effective="2026-12-01T12:00:00Z")
        first, record = way_back(one, one.entry)[-1], put(one, records.encode(said))
        entry = make_entry(one.key, 3, one.entry, first, record, "2026-12-01T12:00:00Z")
        return found(one, "1.images", put(one, records.encode(entry)))

    assert withdrawn(missing["sha256"]) == (HOLDS, "23 images; 1 withdrawn image is missing, as it may be")
    assert withdrawn(b"another image's digest: 32 bytes")[0] == FAILS
    theirs = records.Withdrawal(target=missing["sha256"], reason="", remedy="notice", effective="2026-12-01T12:00:00Z")
    assert found(one, "1.images", OtherKey().says(one, theirs))[0] == FAILS


def test_what_has_no_snapshot_has_no_images(one: OldRelease) -> None:
    recipe = one.view.plan.recipe
    result, reason = found(one, "1.images", entry=None, record=recipe, roots=[recipe], log_entries=[])
    assert (result, "no snapshot" in reason) == (UNCHECKED, True)


def test_a_record_in_a_place_of_another_type_is_named(one: OldRelease) -> None:
    plan = one.view.plan
    entry = one.at(one.entry)
    wrong = put(one, records.encode(msgspec.structs.replace(one.view.release, draw=plan.recipe)))
    one.entry = put(one, records.encode(msgspec.structs.replace(entry, record=wrong)))
    result, reason = found(one, "1.records", roots=[one.entry])
    assert (result, str(plan.recipe) in reason) == (FAILS, True)
    assert found(one, "1.records", entry=None, record=NOWHERE, roots=[], log_entries=[]) == (
        FAILS,
        "no record could be read",
    )


def test_a_table_of_another_kind_or_with_a_cell_that_is_none_is_named(one: OldRelease) -> None:
    excluded = one.view.snapshot.excluded
    one.forge(replaced(one.view.preprocessing.snapshot, one.view.snapshot, items=excluded))
    result, reason = found(one, "1.tables")
    assert (result, f"{excluded} (items of a snapshot)" in reason) == (FAILS, True)
    other = OldRelease()
    rows = items_of(other)
    rows[0]["size"] = "large"
    with_items(other, rows)
    result, reason = found(other, "1.tables")
    assert (result, reason.startswith("a row in items of a snapshot: ")) == (FAILS, True)
