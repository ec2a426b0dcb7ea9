"""Level 4, check by check: items follow from contributions, what was prepared from items, folds from the draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from registry.core import records
from registry.core.draw import draw_seed
from registry.core.ipld.cid import CID, RAW, cid_of
from registry.core.labeling.boxes import full_frame
from registry.core.log import make_entry
from registry.core.snapshots.classes import classes_of
from registry.core.snapshots.snapshot import resolve_rows, rows_of_contribution, select
from registry.core.table import tables
from registry.provenance.checks.level4 import folds, items
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED
from tests.support.forgery import Changed, OtherKey, new_table, put, replaced
from tests.support.old_release import OldRelease, outcome

Row = list[Any]
TIME = "2026-12-01T12:00:00Z"


@pytest.fixture
def one() -> OldRelease:
    return OldRelease()


def found(one: OldRelease, id: str, *more: CID, **fields: Any) -> tuple[str, str]:
    part = items if id in ("4.items", "4.prepared") else folds
    return outcome(part.checks(one.subject(more, **fields)), id)


IDS = ("4.items", "4.prepared", "4.draw", "4.folds", "4.trainings", "4.predictions")


@pytest.mark.parametrize("id", IDS)
def test_an_honest_release_holds_and_a_plan_has_no_data(one: OldRelease, id: str) -> None:
    assert found(one, id)[0] == HOLDS
    plan = one.view.release.plan_entry
    assert found(one, id, entry=plan, record=one.at(plan).record, roots=[plan])[0] == UNCHECKED


def test_a_snapshot_has_items_and_nothing_prepared(one: OldRelease) -> None:
    snapshot = {"record": one.view.preprocessing.snapshot, "entry": None, "roots": [one.view.preprocessing.snapshot]}
    assert found(one, "4.items", **snapshot) == (HOLDS, "24 items, 0 excluded")
    assert found(one, "4.prepared", **snapshot)[0] == UNCHECKED


# --- items ---------------------------------------------------------------------------------------
def snapshot_with(one: OldRelease, **fields: Any) -> None:
    one.forge(replaced(one.view.preprocessing.snapshot, one.view.snapshot, **fields))


def item_rows(one: OldRelease) -> list[Row]:
    return [list(row) for row in tables.iterate(one.view.snapshot.items, one.store.get)]


def contributed(one: OldRelease, edit: Callable[[list[Row]], list[Row]], **fields: Any) -> CID:
    """Another contribution, of edited rows of the release's."""
    (whole,) = OldRelease().view.snapshot.contributions
    first = records.parse_as(records.Contribution, one.store.get(whole))
    rows = new_table(one, first.rows, records.CONTRIBUTION_ROWS, edit)
    said = {"issuer": first.issuer, "rows": rows, **fields}
    return put(one, records.encode(records.Contribution(**said)))


def honest(one: OldRelease, contributions: tuple[CID, ...], **left_out: Any) -> None:
    """The snapshot that follows from these contributions by the rule."""
    snapshot = one.view.snapshot
    rows = [
        {**row, "contribution": bytes(cid)}
        for cid in contributions
        for row in rows_of_contribution(records.parse_as(records.Contribution, one.store.get(cid)), one.store.get)
    ]
    chosen, excluded = select(resolve_rows(rows), classes_of(snapshot.classes, snapshot.aliases), **left_out)
    snapshot_with(
        one,
        contributions=contributions,
        items=tables.build(records.SNAPSHOT_ITEMS, chosen, one.store.put),
        excluded=tables.build(records.EXCLUDED, excluded, one.store.put),
        count=len(chosen),
    )


@pytest.mark.parametrize("column", range(1, len(records.SNAPSHOT_ITEMS.columns)))
def test_every_cell_of_an_item_follows_from_the_contributions(one: OldRelease, column: int) -> None:
    rows = item_rows(one)
    wrong = {CID: cid_of(b"other", RAW), int: 1, str: "feliz" if rows[5][column] != "feliz" else "triste"}
    value = rows[5][column]
    rows[5][column] = [] if isinstance(value, list) else {} if isinstance(value, dict) else wrong.get(type(value), "x")
    if rows[5][column] == value:
        rows[5][column] = {"tdm-reservation": ["1"]}
    snapshot_with(one, items=tables.build(records.SNAPSHOT_ITEMS, rows, one.store.put))
    result, reason = found(one, "4.items")
    assert (result, rows[5][0].hex() in reason) == (FAILS, True)


def test_no_item_is_missing_added_or_miscounted(one: OldRelease) -> None:
    rows = item_rows(one)
    for stated in (rows[:-1], [*rows, [b"\xff" * 32, *rows[-1][1:]]]):
        other = OldRelease()
        snapshot_with(other, items=tables.build(records.SNAPSHOT_ITEMS, stated, other.store.put), count=len(stated))
        assert found(other, "4.items")[0] == FAILS
    snapshot_with(one, count=25)
    assert found(one, "4.items") == (FAILS, "count: stated 25, recomputed 24")


def test_an_image_is_an_item_or_excluded_and_not_both(one: OldRelease) -> None:
    rows = item_rows(one)
    excluded = [[rows[0][0], "no_bytes", ""]]
    snapshot_with(one, excluded=tables.build(records.EXCLUDED, excluded, one.store.put))
    result, reason = found(one, "4.items")
    assert (result, "and excluded" in reason, rows[0][0].hex() in reason) == (FAILS, True, True)


def test_an_exclusion_has_the_reason_that_follows(one: OldRelease) -> None:
    first = item_rows(one)[0][0]
    honest(one, one.view.snapshot.contributions, missing={first})
    result, reason = found(one, "4.items")
    assert (result, reason.startswith("23 items, 1 excluded"), "1 were missing" in reason) == (HOLDS, True, True)
    wrong = tables.build(records.EXCLUDED, [[first, "unknown_label", ""]], one.store.put)
    snapshot_with(one, excluded=wrong)
    assert found(one, "4.items")[0] == FAILS


def test_the_query_chooses_the_rows(one: OldRelease) -> None:
    rows = [row for row in item_rows(one) if row[3] == "feliz"]
    table = tables.build(records.SNAPSHOT_ITEMS, rows, one.store.put)
    snapshot_with(one, items=table, count=len(rows), query={"label": "feliz"})
    assert found(one, "4.items")[0] == HOLDS
    snapshot_with(one, query={"label": "triste"})
    assert found(one, "4.items")[0] == FAILS


def test_a_correction_counts_and_can_not_be_undone(one: OldRelease) -> None:
    (first,) = one.view.snapshot.contributions
    place = {name: at for at, name in enumerate(records.CONTRIBUTION_ROWS.columns)}

    def corrected(rows: list[Row]) -> list[Row]:
        row = list(rows[3])
        row[place["label"]] = "triste" if row[place["label"]] != "triste" else "feliz"
        row[place["replaces"]] = bytes(first)
        return [row]

    later = contributed(one, corrected)
    honest(one, (first, later))
    assert found(one, "4.items")[0] == HOLDS
    honest(one, (later, first))
    result, reason = found(one, "4.items")
    assert (result, "correct" in reason) == (FAILS, True)
    theirs = contributed(one, corrected, issuer=OtherKey().did)  # who corrects nobody's row but its own
    honest(one, (theirs, first), missing={item_rows(one)[3][0]})
    assert found(one, "4.items")[0] == HOLDS


def withdrawn_by(one: OldRelease, key: Any, target: bytes) -> CID:
    said = put(one, records.encode(records.Withdrawal(target=target, reason="", remedy="notice", effective=TIME)))
    return put(one, records.encode(make_entry(key, 0, None, None, said, TIME)))


def test_what_is_left_out_as_withdrawn_was_taken_back_by_who_may(one: OldRelease) -> None:
    row = item_rows(one)[0]
    honest(one, one.view.snapshot.contributions, withdrawn={row[0]})
    result, reason = found(one, "4.items")
    assert (result, row[0].hex() in reason) == (FAILS, True)
    assert found(one, "4.items", withdrawn_by(one, one.key, row[0]))[0] == HOLDS
    assert found(one, "4.items", withdrawn_by(one, one.key, bytes(row[1])))[0] == HOLDS  # by its CID
    assert found(one, "4.items", withdrawn_by(one, one.key, item_rows(one)[0][0]))[0] == FAILS  # another image
    assert found(one, "4.items", withdrawn_by(one, OtherKey(), row[0]))[0] == FAILS


def test_a_contributor_who_is_a_key_takes_the_own_image_back(one: OldRelease) -> None:
    place = {name: at for at, name in enumerate(records.CONTRIBUTION_ROWS.columns)}

    def theirs(rows: list[Row]) -> list[Row]:
        for row in rows:
            row[place["contributor"]] = OtherKey().did
        return rows

    first = item_rows(one)[0][0]
    honest(one, (contributed(one, theirs),), withdrawn={first})
    assert found(one, "4.items")[0] == FAILS
    assert found(one, "4.items", withdrawn_by(one, OtherKey(), first))[0] == HOLDS
    assert found(one, "4.items", withdrawn_by(one, OtherKey(9), first))[0] == FAILS


# --- what was prepared ---------------------------------------------------------------------------
P = {name: at for at, name in enumerate(records.PREPARED.columns)}


def prepared(one: OldRelease, edit: Callable[[list[Row]], list[Row] | None]) -> None:
    def rows(found: list[Row]) -> list[Row]:
        changed = edit(found)
        return found if changed is None else changed

    table = new_table(one, one.view.preprocessing.output, records.PREPARED, rows)
    one.forge(replaced(one.view.plan.preprocessing, one.view.preprocessing, output=table))


def cells(at: int = 0, **values: Any) -> Callable[[list[Row]], None]:
    def edit(rows: list[Row]) -> None:
        for name, value in values.items():
            rows[at][P[name]] = value(rows) if callable(value) else value

    return edit


def largest_names_its_group(rows: list[Row]) -> None:
    group = rows[0][P["group"]]
    members = [row for row in rows if row[P["group"]] == group]
    assert len(members) > 1
    for row in members:
        row[P["group"]] = max(one[P["sha256"]] for one in members)


def person_in_two(rows: list[Row]) -> None:
    """The last of the first group's members becomes a group of itself."""
    member = [row for row in rows if row[P["group"]] == rows[0][P["group"]]][-1]
    member[P["group"]] = member[P["sha256"]]


def pixels_in_two(rows: list[Row]) -> None:
    other = next(row for row in rows if row[P["group"]] != rows[0][P["group"]])
    other[P["pixels"]] = rows[0][P["pixels"]]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda rows: rows[1:], "images"),
        (lambda rows: [*rows, [b"\xff" * 32, *rows[0][1:]]], "images"),
        (largest_names_its_group, "smallest member"),
        (person_in_two, "person"),
        (pixels_in_two, "equal pixels"),
        (cells(boxes=[[0, 0, 1, 1]]), "boxes of image"),
        (cells(boxes=lambda rows: rows[0][P["boxes"]] * 2), "boxes of image"),
        (cells(box_source="full_frame"), "boxes of image"),
        (cells(box_source="full_frame", boxes=[[0, 0, 10000, 10000]]), "boxes of image"),
        (cells(box_source="detector"), "boxes of image"),
        (cells(box_source="nothing", boxes=[]), "boxes of image"),
        (cells(box_source="a dream"), "boxes of image"),
    ],
)
def test_what_was_prepared_follows_from_the_items(
    one: OldRelease, edit: Callable[[list[Row]], list[Row] | None], said: str
) -> None:
    prepared(one, edit)
    result, reason = found(one, "4.prepared")
    assert (result, said in reason) == (FAILS, True), reason


def test_a_dropped_image_needs_no_boxes_and_shares_no_pixels(one: OldRelease) -> None:
    prepared(one, cells(reason="noise", pixels=None, boxes=[], box_source=""))
    assert found(one, "4.prepared") == (HOLDS, "6 groups of persons and near-duplicates")


def test_an_item_without_boxes_has_the_whole_picture_or_a_detectors_one(one: OldRelease) -> None:
    first = item_rows(one)[0]
    rows = item_rows(one)
    rows[0][8] = []
    assert rows[0] != first
    snapshot_with(one, items=tables.build(records.SNAPSHOT_ITEMS, rows, one.store.put))
    assert found(one, "4.prepared")[0] == FAILS  # supplied, and nobody gave any
    for source, boxes, result in (
        ("full_frame", [list(full_frame(100, 100))], HOLDS),
        ("full_frame", [[0, 0, 9999, 10000]], FAILS),
        ("detector", [[1, 2, 30, 40]], HOLDS),
        ("detector", [], FAILS),
        ("detector", [[1, 2, 30, 40], [5, 6, 7, 8]], FAILS),
        ("supplied", [], FAILS),
        ("nothing", [], FAILS),
    ):
        prepared(one, cells(box_source=source, boxes=boxes, measured=f"{source}{len(boxes)}{result}"))
        assert found(one, "4.prepared")[0] == result, (source, boxes)


def test_an_item_that_shows_nothing_has_no_boxes(one: OldRelease) -> None:
    rows = item_rows(one)
    rows[0][3] = None
    snapshot_with(one, items=tables.build(records.SNAPSHOT_ITEMS, rows, one.store.put))
    assert found(one, "4.prepared")[0] == FAILS
    prepared(one, cells(box_source="nothing", boxes=[]))
    assert found(one, "4.prepared")[0] == HOLDS
    for source, boxes in (("detector", [[1, 2, 3, 4]]), ("nothing", [[1, 2, 3, 4]]), ("detector", [])):
        prepared(one, cells(box_source=source, boxes=boxes))
        assert found(one, "4.prepared")[0] == FAILS, (source, boxes)


def test_it_was_prepared_by_the_plans_recipe(one: OldRelease) -> None:
    other = put(one, records.encode(one.view.recipe.__class__(**{**_fields(one.view.recipe), "name": "other"})))
    one.forge(replaced(one.view.plan.preprocessing, one.view.preprocessing, recipe=other))
    assert found(one, "4.prepared")[0] == FAILS


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__ if name != "v"}


# --- folds ---------------------------------------------------------------------------------------
def of_draw(**fields: Any) -> Callable[[OldRelease], Changed]:
    return lambda one: replaced(one.view.release.draw, one.view.draw, **fields)


def of_training(number: int, **fields: Any) -> Callable[[OldRelease], Changed]:
    return lambda one: replaced(one.view.release.trainings[number], one.view.trainings[number], **fields)


def fold_rows(edit: Callable[[list[Row]], list[Row]]) -> Callable[[OldRelease], Changed]:
    return lambda one: of_draw(folds=new_table(one, one.view.draw.folds, records.FOLDS, edit))(one)


def predicted(edit: Callable[[Row], None]) -> Callable[[OldRelease], Changed]:
    """The first prediction with a detection, edited."""

    def change(one: OldRelease) -> Changed:
        def rows(found: list[Row]) -> list[Row]:
            edit(next(row for row in found if row[4]))
            return found

        table = new_table(one, one.view.evaluation.predictions, records.PREDICTIONS, rows)
        return replaced(one.view.release.evaluation, one.view.evaluation, predictions=table)

    return change


def set_cell(at: int, value: Callable[[Any], Any]) -> Callable[[Row], None]:
    def edit(row: Row) -> None:
        row[at] = value(row[at])

    return edit


def other_draw(one: OldRelease) -> CID:
    return put(one, records.encode(records.Draw(**{**_fields(one.view.draw), "seed": bytes(32)})))


@pytest.mark.parametrize(
    ("change", "id"),
    [
        (of_draw(seed=bytes(32)), "4.draw"),
        (of_draw(beacons=(records.DrandRound(chain="a", round=1, signature=b"s"),)), "4.draw"),
        (fold_rows(lambda rows: [[*row[:2], (row[2] + 1) % 3] for row in rows]), "4.folds"),
        (fold_rows(lambda rows: rows[1:]), "4.folds"),
        (fold_rows(lambda rows: [[row[0], 1, row[2]] for row in rows]), "4.folds"),
        (of_training(0, fold=1), "4.trainings"),
        (of_training(0, fold=3), "4.trainings"),
        (of_training(0, fold=None), "4.trainings"),
        (lambda one: of_training(1, draw=other_draw(one))(one), "4.trainings"),
        (lambda one: replaced(one.view.release.draw, one.view.draw, plan=other_plan(one)), "4.trainings"),
        (
            lambda one: replaced(one.view.release.evaluation, one.view.evaluation, draw=other_draw(one)),
            "4.predictions",
        ),
        (predicted(set_cell(1, lambda fold: (fold + 1) % 3)), "4.predictions"),
        (predicted(set_cell(2, lambda truth: (truth + 1) % 4)), "4.predictions"),
        (predicted(set_cell(3, lambda boxes: [[1, 1, 2, 2]])), "4.predictions"),
        (predicted(set_cell(4, lambda found: [[4, *found[0][1:]]])), "4.predictions"),
        (predicted(set_cell(4, lambda found: [[-1, *found[0][1:]]])), "4.predictions"),
        (predicted(set_cell(4, lambda found: [[0, 1_000_001, 0, 0, 1, 1]])), "4.predictions"),
        (predicted(set_cell(4, lambda found: [[0, 20_000, 0, 0, 1, 1], [0, 30_000, 0, 0, 1, 1]])), "4.predictions"),
        (predicted(set_cell(4, lambda found: [[0, 20_000, 0, 0, 1, 1], [0, 9_999, 0, 0, 1, 1]])), "4.predictions"),
    ],
)
def test_folds_trainings_and_predictions_follow_from_the_draw(
    one: OldRelease, change: Callable[[OldRelease], Changed], id: str
) -> None:
    one.forge(change(one))
    assert found(one, id)[0] == FAILS


def other_plan(one: OldRelease) -> CID:
    return put(one, records.encode(records.Plan(**{**_fields(one.view.plan), "final": "refit"})))


@pytest.mark.parametrize("detections", [[[3, 1_000_000, 0, 0, 1, 1], [0, 10_000, 0, 0, 1, 1]], []])
def test_detections_at_the_bounds_are_within_them(one: OldRelease, detections: list[Any]) -> None:
    one.forge(predicted(set_cell(4, lambda found: detections))(one))
    assert found(one, "4.predictions") == (HOLDS, "24 predictions")


def test_a_beacon_enters_the_seed_and_is_told(one: OldRelease) -> None:
    drand = records.DrandRound(chain="a", round=1, signature=b"s")
    draw = one.view.draw
    one.forge(of_draw(beacons=(drand,), seed=draw_seed(bytes(draw.plan), one.view.plan.seed, [drand.value]))(one))
    result, reason = found(one, "4.draw")
    assert (result, "drand" in reason) == (HOLDS, True)
