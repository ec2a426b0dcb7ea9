"""What indexing an entry leaves behind, and what it refuses."""

from __future__ import annotations

import random
from itertools import permutations
from typing import Any

import msgspec
import pytest

from registry.catalog.index.indexing import index_entry, index_evidence, note_entry
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.labeled_images.history import image_history
from registry.catalog.queries.labeled_images.rows import current_rows
from registry.catalog.queries.roots import named_roots, published_roots
from registry.catalog.queries.signed_records import entries, releases, snapshots
from registry.catalog.queries.training_runs import runs
from registry.catalog.schema import derived
from registry.catalog.schema.derived import REBUILDABLE
from registry.core import log, records
from registry.core.errors import Conflict, InvalidInput, NotFound, Untrusted
from registry.core.ipld.cid import CID, DAG_PB, RAW
from registry.core.table import tables
from tests.catalog.world import NOW, World, at, bearing_on, dump, image_bytes, sha256_of
from tests.support.anchors.signer import MemorySigner
from tests.support.logs import all_entries, log_of
from tests.support.rows import current_row


def test_indexing_twice_changes_nothing(world: World) -> None:
    world.everything()
    before = dump(world.catalog)
    world.index(*world.entries)
    assert dump(world.catalog) == before
    # A world's log keeps its key; tests/workflows/keys hand logs over.
    assert {name for name, rows in before.items() if not rows} <= {"key_changes"}


def test_the_order_of_arrival_plays_no_part(world: World) -> None:
    """Two logs that say the same rows and correct them, in every order: each corrects its own alone."""
    ben = MemorySigner(8)
    shared = [world.row(0, "feliz"), world.row(1, "triste")]
    world.label(*shared, index=False)
    world.label(*shared, key=ben, index=False)
    world.label(world.row(0, "enojado"), key=ben, index=False)
    world.label(world.row(0, "sorprendido"), index=False)
    kept = {}
    for order in random.Random(1).sample(list(permutations(world.entries)), 12):
        with world.catalog.engine.begin() as connection:
            for table in reversed(REBUILDABLE):
                connection.execute(table.delete())
        world.index(*order)
        with world.catalog.read() as db:
            row = current_row(db, sha256_of(0), world.key.did, "ana")
            assert row is not None
            assert row["label"] == "sorprendido"
            theirs = current_row(db, sha256_of(0), ben.did, "ana")
            assert theirs is not None
            assert theirs["label"] == "enojado"
            found = (row["label"], [str(cid) for cid in bearing_on(db, {sha256_of(0)})])
        kept[str((found, dump(world.catalog)))] = order
    assert len(kept) == 1


def test_a_contribution_fills_images_rows_and_history(world: World) -> None:
    first = world.label(world.row(0, "feliz", boxes=[[1, 2, 3, 4]], attributes={"age": "30"}, subject="p"))
    second = world.label(world.row(0, "triste", replaces=bytes(first)))
    with world.catalog.read() as db:
        row = current_row(db, sha256_of(0), world.key.did, "ana")
        assert row is not None
        assert row["contribution"] == second
        assert row["replaces"] == bytes(first)
        assert (row["label"], row["boxes"], row["attributes"]) == ("triste", [], {})
        history = image_history(db, sha256_of(0))
        assert [(one["label"], one["current"], one["issued_at"]) for one in history] == [
            ("feliz", False, at(2)),
            ("triste", True, at(3)),
        ]
        assert history[0]["boxes"] == [[1, 2, 3, 4]]
        assert history[0]["attributes"] == {"age": "30"}
        image = images.get_image(db, sha256_of(0).hex())
        assert image is not None
        assert image["status"] == "referenced"
        assert current_row(db, sha256_of(0), world.key.did, "ben") is None
        assert current_row(db, sha256_of(1), world.key.did, "ana") is None


def test_a_table_of_thousands_of_rows(world: World) -> None:
    count = 2_500
    rows = []
    for number in range(count):
        digest = number.to_bytes(32, "big")
        rows.append(world.row(0, f"l{number % 7}", sha256=digest, cid=bytes(CID.v1(DAG_PB, digest)), size=number))
    world.label(*rows)
    with world.catalog.read() as db:
        found = list(current_rows(db))
        assert [row["sha256"] for row in found] == [number.to_bytes(32, "big") for number in range(count)]
        assert [row["size"] for row in found] == list(range(count))


def test_a_release_is_known_by_all_its_parts(world: World) -> None:
    made = world.everything()
    with world.catalog.read() as db:
        row = releases.get(db, made.release)
        assert row["entry"] == str(made.entry)
        assert row["issuer"] == world.key.did
        for name in ("plan", "plan_entry", "draw", "snapshot", "preprocessing", "evaluation", "card"):
            assert row[name] == str(getattr(made, name))
        assert (row["recipe_name"], row["final"]) == ("quick", "fold:0")
        assert [one["cid"] for one in releases.weights(db, made.release)] == [str(cid) for cid in made.weights]
        found = releases.weights_by_cid(db, made.weights[1])
        assert found is not None
        assert (found["release"], found["fold"]) == (str(made.release), 1)
        assert releases.weights_by_cid(db, made.card) is None
        snapshot = snapshots.get(db, made.snapshot)
        assert (snapshot["count"], snapshot["rule"]) == (5, "majority-v1")


def test_a_release_without_a_run_gives_one(world: World) -> None:
    made = world.everything()
    with world.catalog.read() as db:
        (run,) = runs.find_by_plan(db, made.plan)
        assert runs.get(db, run) == {
            "run": run,
            "recipe": "quick",
            "plan": str(made.plan),
            "draw": str(made.draw),
            "snapshot": str(made.snapshot),
            "status": "completed",
            "kept": 4,
            "dropped": {"blurred": 1},
            "release": str(made.release),
            "error": None,
            "folds": [
                {"fold": fold, "status": "completed", "epochs": 3, "tensors": weights["tensors"]}
                for fold, weights in enumerate(releases.weights(db, made.release))
            ],
        }
        row = runs.row(db, run)
        assert row["engine"] is None
        assert row["options"]["values"] == {"folds": {"k": 2}, "seed": 1}
        assert row["options"]["claims"] == [
            {"metric": "macro_f1", "comparator": ">=", "threshold": "0.900000", "proof": "interval"}
        ]


def test_a_release_attaches_to_the_run_that_it_came_from(world: World) -> None:
    first = world.label(*(world.row(n, "feliz") for n in range(4)))
    snapshot = world.snapshot(range(4), [first])
    made = world.release(snapshot, range(4), index=False)
    with world.catalog.write() as db:
        names: dict[str, Any] = {
            "snapshot": str(snapshot),
            "recipe_name": "quick",
            "engine": "local",
            "options": {},
            "now": at(0),
        }
        mine = runs.create(db, plan=str(made.plan), evaluation=str(made.evaluation), **names)
        other = runs.create(db, plan=str(made.plan), evaluation="another", **names)
    world.index(*world.entries)
    with world.catalog.read() as db:
        assert runs.get(db, mine)["release"] == str(made.release)
        assert runs.get(db, other)["release"] is None
        assert sorted(runs.find_by_plan(db, made.plan)) == sorted([mine, other])


def test_evidence_covers_an_entry_and_all_before_it(world: World) -> None:
    world.label(world.row(0, "feliz"))
    world.label(world.row(1, "feliz"))
    issuer, first, second = world.entries
    late = world.evidence(second, 9)
    early = world.evidence(first, 7)
    with world.catalog.read() as db:
        assert [row["cid"] for row in entries.evidence_for(db, issuer)] == [str(early), str(late)]
        assert [row["cid"] for row in entries.evidence_for(db, first)] == [str(early), str(late)]
        assert [row["cid"] for row in entries.evidence_for(db, second)] == [str(late)]
    other = world.append(records.Issuer(chains=()), key=MemorySigner(8))
    with world.catalog.read() as db:
        assert entries.evidence_for(db, other) == []


def test_evidence_of_every_kind_is_listed_and_reached(world: World) -> None:
    world.label(world.row(0, "feliz"))
    world.label(world.row(1, "feliz"))
    _, first, second = world.entries
    block = world.evidence(second, 9)
    stamp, bare = world.stamp(first, time=NOW), world.stamp(first, "opentimestamps", time="at noon")
    with world.catalog.read() as db:
        found = {row["cid"]: (row["kind"], row["time"]) for row in entries.evidence_for(db, first)}
        assert found[str(stamp)] == ("rfc3161", NOW)
        assert found[str(bare)] == ("opentimestamps", None)
        nearest = entries.nearest_evidence(db, first)
        assert (set(nearest), nearest[-1]) == ({stamp, bare, block}, block)
        assert entries.nearest_evidence(db, second) == [block]
        assert {stamp, bare, block} <= set(named_roots(db)), "a collection of garbage spares them"
        assert {stamp, bare, block} <= set(published_roots(db))


def test_each_issuer_has_a_log_of_its_own(world: World) -> None:
    ben = MemorySigner(8)
    both = records.Withdrawal(target=sha256_of(0), reason="asked", remedy="notice", effective=at(0))
    record = records.cid(both)
    mine, theirs = world.append(both), world.append(both, key=ben)
    with world.catalog.read() as db:
        assert entries.newest(db, world.key.did) == (mine, 1)
        assert entries.newest(db, MemorySigner(9).did) is None
        assert entries.entry_of(db, record, world.key.did) == mine
        assert entries.entry_of(db, record, ben.did) == theirs
        assert entries.entry_of(db, record, None) == mine  # the first that anybody said
        assert entries.entry_of(db, mine, None) is None
        assert entries.record_of(db, theirs) == record
        assert entries.record_of(db, record) == record
        assert [row["seq"] for row in log_of(db, ben.did)] == [0, 1]
        assert [row["record_type"] for row in log_of(db, ben.did)] == ["issuer", "withdrawal"]
        assert len(all_entries(db)) == 4
        assert entries.issuers(db) == sorted([world.key.did, ben.did])


def test_a_forked_log_is_refused_on_every_side(world: World) -> None:
    world.label(world.row(0, "feliz"), index=False)
    world.label(world.row(1, "feliz"), index=False)
    issuer, first, second = world.entries
    other = world.contribution([world.row(2, "triste")])
    twin = world.put(log.make_entry(world.key, 1, issuer, issuer, world.put(other), at(9)))
    child = world.put(log.make_entry(world.key, 2, twin, issuer, world.put(other), at(9)))

    def note(*cids: CID) -> None:
        with world.catalog.write() as db:
            for cid in cids:
                note_entry(db, cid, world.store.get)

    for known, wrong in ([first, twin], [twin, first], [first, child], [child, first], [second, twin]):
        with pytest.raises(Conflict) as caught:
            note(known, wrong)
        assert caught.value.code == "log_fork"
    with world.catalog.read() as db:
        assert all_entries(db) == []  # nothing of what was refused is left


def test_a_gap_is_no_fork(world: World) -> None:
    world.label(world.row(0, "feliz"), index=False)
    world.label(world.row(1, "feliz"), index=False)
    world.index(world.entries[2])
    world.index(world.entries[0])
    with world.catalog.read() as db:
        assert [row["seq"] for row in log_of(db, world.key.did)] == [0, 2]


def test_a_signature_that_does_not_hold_is_refused(world: World) -> None:
    world.label(world.row(0, "feliz"), index=False)
    entry = records.parse_as(records.Entry, world.store.get(world.entries[1]))
    forged = world.put(msgspec.structs.replace(entry, issued_at=at(30)))
    with pytest.raises(Untrusted) as caught, world.catalog.write() as db:
        index_entry(db, forged, world.store.get)
    assert caught.value.code == "bad_signature"
    assert not any(dump(world.catalog).values())


@pytest.mark.parametrize(
    "values",
    [
        {"sha256": b"short"},
        {"cid": b"no cid"},
        {"size": -1},
        {"size": 2**63},
        {"label": 4},
        {"boxes": [[1, 2, 3]]},
        {"boxes": "none"},
        {"attributes": {"age": 30}},
        {"replaces": b"no cid"},
        {"label": "a\0b"},
        {"contributor": 3},
        {"cid": bytes(CID.v1(RAW, bytes(32)))},
    ],
    ids=repr,
)
def test_a_strangers_malformed_rows_are_refused_whole(world: World, values: dict[str, object]) -> None:
    stranger = MemorySigner(9)
    world.append(records.Issuer(chains=()), key=stranger)
    before = dump(world.catalog)
    with pytest.raises(InvalidInput):
        world.label({**world.row(0, "feliz"), **values}, key=stranger)
    assert dump(world.catalog) == before


def test_nobody_says_another_issuers_contribution(world: World) -> None:
    eve = MemorySigner(9)
    world.label(world.row(0, "feliz"))
    contribution = world.contribution([world.row(0, "triste")])
    before = dump(world.catalog)["contribution_rows"]
    with pytest.raises(Untrusted) as caught:
        world.append(contribution, key=eve)
    assert caught.value.code == "foreign_contribution"
    assert dump(world.catalog)["contribution_rows"] == before


def test_a_table_with_other_columns_is_refused(world: World) -> None:
    table = tables.build(records.FOLDS, [[sha256_of(0), 0, 1]], world.store.put)
    with pytest.raises(InvalidInput) as caught:
        world.append(records.Contribution(issuer=world.key.did, rows=table))
    assert caught.value.code == "malformed_rows"


def test_a_missing_block_leaves_nothing_half_indexed(world: World) -> None:
    contribution = world.contribution([world.row(0, "feliz")])
    world.append(records.Issuer(chains=()))
    before = dump(world.catalog)
    entry = world.append(contribution, index=False)
    root = tables.read(contribution.rows, world.store.get).root

    def lossy(cid: CID) -> bytes:
        if cid == root:
            raise NotFound("lost")
        return world.store.get(cid)

    with pytest.raises(NotFound), world.catalog.write() as db:
        index_entry(db, entry, lossy)
    assert dump(world.catalog) == before
    world.index(entry)
    with world.catalog.read() as db:
        assert current_row(db, sha256_of(0), world.key.did, "ana") is not None


def test_evidence_that_is_none_is_refused(world: World) -> None:
    cid = world.put(records.Issuer(chains=()))
    with pytest.raises(InvalidInput), world.catalog.write() as db:
        index_evidence(db, cid, world.store.get)


def test_an_unsaid_snapshot_is_not_listed(world: World) -> None:
    """A release links to its snapshot; only what somebody's entry says is in the lists."""
    first = world.label(*(world.row(n, "feliz") for n in range(4)), index=False)
    snapshot = world.snapshot(range(4), [first])
    foreign = World(world.catalog, key=MemorySigner(8), minute=30, store=world.store)
    made = foreign.release(snapshot, range(4))
    with world.catalog.write() as db:
        db.execute(derived.entries.delete().where(derived.entries.c.record == str(snapshot)))
    with world.catalog.read() as db:
        assert snapshots.list_snapshots(db) == ([], None)
        with pytest.raises(NotFound):
            snapshots.get(db, snapshot)
        assert releases.get(db, made.release)["snapshot"] == str(snapshot)


def test_bytes_that_came_in_are_stored_and_stay_so(world: World) -> None:
    with world.catalog.write() as db:
        images.put_images(db, [(sha256_of(0), len(image_bytes(0)), (world.image(0),))], stored=True)
        assert images.get_image(db, sha256_of(0).hex()) is None  # nobody speaks of it yet
        assert images.list_images(db) == ([], None)
        assert images.resolve_image(db, str(world.image(0))) == sha256_of(0)
    world.label(world.row(0, "feliz"))
    with world.catalog.write() as db:
        images.put_images(db, [(sha256_of(0), len(image_bytes(0)), ())], stored=False)
        image = images.get_image(db, str(world.image(0)))
        assert image is not None
        assert image["status"] == "stored"
