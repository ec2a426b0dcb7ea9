"""Dropping all that follows from records, and making it again from the store alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from registry.catalog import log_heads, sessions, tokens
from registry.catalog.database.database import Catalog
from registry.catalog.idempotency import Keyed
from registry.catalog.index.rebuild import rebuild
from registry.catalog.private_data import add_file_names, add_source, pseudonym
from registry.catalog.queries import kept_audits
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.signed_records import entries
from registry.catalog.queries.training_runs import runs
from registry.catalog.schema import derived, operational
from registry.catalog.schema.derived import REBUILDABLE
from registry.catalog.schema.operational import NOT_REBUILDABLE
from registry.content.unixfs import importer
from registry.core import log, records
from registry.core.errors import NotFound, Unavailable
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.jobs.queue import Queue
from tests.catalog.test_migrations import add_rows
from tests.catalog.world import NOW, World, at, dump, image_bytes, sha256_of
from tests.support.anchors.signer import MemorySigner
from tests.support.logs import log_of

PRIVATE = [table.name for table in NOT_REBUILDABLE]


def empty(catalog: Catalog) -> None:
    with catalog.write() as db:
        for table in reversed(REBUILDABLE):
            db.execute(sa.delete(table))


def fill_private(world: World) -> None:
    root = world.image(0)
    queue = Queue(world.catalog)
    with world.catalog.write() as db:
        identity, _ = tokens.create(db, ["admin"], NOW)
        sessions.begin(db, identity, NOW, "9999-01-01T00:00:00Z")
        kept_audits.add(db, target="t", name="n", held=True, level=None, now=NOW)
        Keyed("t", "k", "digest").begin(db, NOW)
        Keyed("t", "k", "digest").finish(db, {"answer": 1}, [b"line"])
        pseudonym(db, "Ana")
        entry = records.parse_as(records.Entry, world.store.get(world.entries[0]))
        sent = dict.fromkeys(("chain", "sender", "purpose", "transaction", "raw"), "x")
        db.execute(sa.insert(operational.transactions).values(nonce=0, **sent))
        log_heads.lock(db, entry.issuer)
        log_heads.set_head(db, entry.issuer, entry.seq, world.entries[0])
        log_heads.add_pending(db, world.entries[0], entry, records.encode(entry))
        add_file_names(db, root, [(sha256_of(0), "ana.jpg")])
        add_source(db, root, kind="folder", private=True, at=NOW)
        images.put_images(db, [(sha256_of(0), len(image_bytes(0)), ())], stored=True)
        run = runs.create(db, snapshot="s", recipe_name="quick", engine="local", options={}, now=NOW)
        runs.set_fold(db, run, 0, status="running")
        queue.enqueue(db, run, "fold", {"fold": 0}, NOW)
        queue.emit(db, run, "progress", {"done": 1}, NOW)
    add_rows(world.catalog, 0, {name for name, rows in dump(world.catalog, PRIVATE).items() if not rows})


def test_the_same_catalog_comes_back(world: World) -> None:
    world.everything()
    fill_private(world)
    before, private = dump(world.catalog), dump(world.catalog, PRIVATE)
    assert {name for name, rows in before.items() if not rows} == {"key_changes"}  # see tests/workflows/keys
    assert all(private.values())
    empty(world.catalog)
    done = rebuild(world.catalog, world.store.get, world.store.cids(), NOW)
    assert dump(world.catalog) == before
    assert dump(world.catalog, PRIVATE) == private
    assert done == {
        "time": NOW,
        "entries": len(world.entries),
        "evidence": 1,
        "images": 6,
        "stored": 6,
        "problems": [],
    }


def test_a_rebuild_of_what_is_whole_changes_nothing(world: World) -> None:
    world.everything()
    before = dump(world.catalog)
    rebuild(world.catalog, world.store.get, world.store.cids(), NOW)
    assert dump(world.catalog) == before


def test_another_database_from_the_same_store(world: World, tmp_path: Path) -> None:
    """From nothing, and into the other kind of database: also the run that the release came from."""
    made = world.everything()
    other = Catalog(f"sqlite:///{tmp_path}/other.sqlite")
    other.upgrade()
    rebuild(other, world.store.get, world.store.cids(), NOW)
    assert dump(other) == dump(world.catalog)
    with other.read() as db, world.catalog.read() as first:
        (run,) = runs.find_by_plan(db, made.plan)
        assert runs.get(db, run) == runs.get(first, run)
        assert runs.row(db, run) == runs.row(first, run)
    other.close()


def test_a_foreign_log_comes_only_if_it_is_wanted(world: World) -> None:
    stranger = MemorySigner(9)
    world.label(world.row(0, "feliz"))
    before = dump(world.catalog)
    world.label(world.row(0, "enojado", "eve"), key=stranger, index=False)
    rebuild(world.catalog, world.store.get, world.store.cids(), NOW, issuers=[world.key.did])
    with world.catalog.read() as db:
        assert entries.issuers(db) == [world.key.did]
    assert {name: rows for name, rows in dump(world.catalog).items() if name != "images"} == {
        name: rows for name, rows in before.items() if name != "images"
    }
    rebuild(world.catalog, world.store.get, world.store.cids(), NOW)
    with world.catalog.read() as db:
        assert entries.issuers(db) == sorted([world.key.did, stranger.did])


def test_evidence_that_does_not_hold_is_left_out(world: World) -> None:
    world.label(world.row(0, "feliz"))
    world.evidence(world.entries[1], 5)
    holds = world.evidence(world.entries[1], 6)
    rebuild(
        world.catalog,
        world.store.get,
        world.store.cids(),
        NOW,
        evidence_holds=lambda one: one.statement["blockNumber"] == 6,
    )
    with world.catalog.read() as db:
        assert [row["cid"] for row in entries.evidence_for(db, world.entries[1])] == [str(holds)]


def test_a_forged_entry_is_told_and_left_out(world: World) -> None:
    world.label(world.row(0, "feliz"))
    before = dump(world.catalog)
    entry = records.parse_as(records.Entry, world.store.get(world.entries[1]))
    forged = world.put(msgspec.structs.replace(entry, seq=2, prev=bytes(world.entries[1])))
    done = rebuild(world.catalog, world.store.get, world.store.cids(), NOW)
    assert [problem["cid"] for problem in done["problems"]] == [str(forged)]
    assert {**dump(world.catalog), "images": before["images"]} == before


def test_a_fork_is_told_and_the_log_goes_on(world: World) -> None:
    world.label(world.row(0, "feliz"))
    other = world.put(world.contribution([world.row(1, "feliz")]))
    twin = world.put(log.make_entry(world.key, 1, world.entries[0], world.entries[0], other, at(9)))
    done = rebuild(world.catalog, world.store.get, world.store.cids(), NOW)
    assert [problem["cid"] for problem in done["problems"]] == [str(max(twin, world.entries[1]))]
    with world.catalog.read() as db:
        assert [row["seq"] for row in log_of(db, world.key.did)] == [0, 1]


def test_bytes_that_look_like_an_entry(world: World) -> None:
    """Anybody's file may hold the mark that the scan looks for."""
    world.label(world.row(0, "feliz"))
    for data in (b"\x64type\x65entry", b"\xa1\x64type\x65entry", b"\x64type\x68evidence" * 9000):
        importer.add_bytes(world.store, data)
    done = rebuild(world.catalog, world.store.get, world.store.cids(), NOW)
    assert done["problems"] == []
    assert done["entries"] == 2


def lossy(world: World, lost: CID) -> Iterator[CID]:
    return (cid for cid in world.store.cids() if cid.multihash != lost.multihash)


def test_what_lies_elsewhere_stays(world: World) -> None:
    """Two homes, each with its own key and store, on one catalog: neither's rebuild costs the other anything."""
    world.everything()
    elsewhere = World(world.catalog, key=MemorySigner(8), minute=50)
    elsewhere.everything()
    elsewhere.label(elsewhere.row(7, "feliz", "ben"))
    with world.catalog.write() as db:
        images.put_images(db, [(sha256_of(7), len(image_bytes(7)), ())], stored=True)
    before = dump(world.catalog)
    for one, other in ((world, elsewhere), (elsewhere, world)):
        done = rebuild(world.catalog, one.store.get, one.store.cids(), NOW, issuers=[one.key.did])
        assert done["problems"] == []
        assert dump(world.catalog) == before
        with world.catalog.write() as db:  # what its store holds comes back, not what stood there
            lost = derived.contribution_rows.c.issuer == one.key.did
            db.execute(sa.delete(derived.contribution_rows).where(lost))
            db.execute(sa.update(derived.withdrawals).values(reason="forged"))
        rebuild(world.catalog, one.store.get, one.store.cids(), NOW, issuers=[one.key.did])
        rebuild(world.catalog, other.store.get, other.store.cids(), NOW, issuers=[other.key.did])
        assert dump(world.catalog) == before


def test_a_block_that_is_lost_later_costs_nothing(world: World) -> None:
    made = world.everything()
    before = dump(world.catalog)
    snapshot = records.parse_as(records.Snapshot, world.store.get(made.snapshot))
    contribution = records.parse_as(records.Contribution, world.store.get(snapshot.contributions[0]))
    for gone in (tables.read(contribution.rows, world.store.get).root, made.snapshot, made.release, made.evaluation):

        def get(cid: CID, gone: CID = gone) -> bytes:
            if cid.multihash == gone.multihash:
                raise NotFound(f"block {cid} is not held here")
            return world.store.get(cid)

        done = rebuild(world.catalog, get, lossy(world, gone), NOW)
        assert done["problems"], gone
        assert dump(world.catalog) == before


def test_a_missing_block_costs_only_what_needs_it(world: World) -> None:
    first = world.contribution([world.row(0, "feliz")])
    world.append(first)
    world.label(world.row(1, "triste"))
    gone = tables.read(first.rows, world.store.get).root

    def get(cid: CID) -> bytes:
        if cid.multihash == gone.multihash:
            raise NotFound(f"block {cid} is not held here")
        return world.store.get(cid)

    empty(world.catalog)
    done = rebuild(world.catalog, get, lossy(world, gone), NOW)
    (problem,) = done["problems"]
    assert problem["cid"] == str(world.entries[1])
    with world.catalog.read() as db:
        log_rows = log_of(db, world.key.did)
        assert [(row["seq"], row["record_type"]) for row in log_rows] == [(0, "issuer"), (1, None), (2, "contribution")]
        assert entries.newest(db, world.key.did) == (world.entries[2], 2)  # whoever appends goes on from here
        assert images.get_image(db, sha256_of(0).hex()) is None
        assert images.get_image(db, sha256_of(1).hex()) is not None
    assert rebuild(world.catalog, world.store.get, world.store.cids(), NOW)["problems"] == []
    with world.catalog.read() as db:
        assert images.get_image(db, sha256_of(0).hex()) is not None


def test_a_damaged_block_is_told(world: World) -> None:
    world.label(world.row(0, "feliz"))
    image = world.image(0)

    def get(cid: CID) -> bytes:
        if cid.multihash == image.multihash:
            raise NotFound(f"block {cid} is damaged here and counts as missing")
        return world.store.get(cid)

    done = rebuild(world.catalog, get, world.store.cids(), NOW)
    assert [problem["cid"] for problem in done["problems"]] == [str(image)]
    with world.catalog.read() as db:
        found = images.get_image(db, sha256_of(0).hex())
    assert found is not None
    assert found["status"] == "referenced"


def test_a_store_that_can_not_be_read_leaves_the_old_catalog(world: World) -> None:
    world.everything()
    before = dump(world.catalog)
    cids = list(world.store.cids())
    reads = 0

    def get(cid: CID) -> bytes:
        nonlocal reads
        reads += 1
        if reads > len(cids) + 40:  # after the scan, in the midst of indexing
            raise Unavailable("the disk went away")
        return world.store.get(cid)

    with pytest.raises(Unavailable):
        rebuild(world.catalog, get, cids, NOW)
    assert reads > len(cids)
    assert dump(world.catalog) == before


def test_an_image_of_many_blocks_is_stored_only_if_all_are_held(world: World) -> None:
    data = bytes(range(256)) * 4096 * 3
    added = importer.add_bytes(world.store, data)
    row = world.row(0, "feliz", sha256=added.sha256, cid=bytes(added.cid), size=len(data))
    world.label(row)

    def status() -> str:
        with world.catalog.read() as db:
            image = images.get_image(db, str(added.cid))
        assert image is not None
        return str(image["status"])

    assert status() == "referenced"
    rebuild(world.catalog, world.store.get, world.store.cids(), NOW)
    assert status() == "stored"
    leaf = importer_links(world, added.cid)[-1]
    rebuild(world.catalog, world.store.get, lossy(world, leaf), NOW)
    assert status() == "referenced"


def importer_links(world: World, cid: CID) -> list[CID]:
    from registry.core.ipld.encoding import links

    return links(world.store.get(cid), cid.codec)


def test_exact_cids_do_as_well_as_raw_ones(world: World) -> None:
    """Some stores know the codec of what they hold, some only its multihash."""
    world.everything()
    with world.catalog.read() as db:
        known = [
            CID.parse(cid)
            for cid in db.scalars(sa.select(sa.column("cid", sa.String)).select_from(sa.table("records")))
        ]
    exact = {cid.multihash: cid for cid in known}
    before = dump(world.catalog)
    rebuild(world.catalog, world.store.get, [exact.get(cid.multihash, cid) for cid in world.store.cids()], NOW)
    assert dump(world.catalog) == before


def test_a_run_that_is_there_is_not_derived_again(world: World) -> None:
    made = world.everything()
    with world.catalog.write() as db:
        db.execute(operational.run_folds.delete())
        db.execute(operational.runs.delete())
        runs.create(
            db,
            run="rmine",
            snapshot=str(made.snapshot),
            plan=str(made.plan),
            evaluation=str(made.evaluation),
            recipe_name="quick",
            engine="local",
            options={},
            now=NOW,
        )
    rebuild(world.catalog, world.store.get, world.store.cids(), NOW)
    with world.catalog.read() as db:
        assert runs.find_by_plan(db, made.plan) == ["rmine"]
        assert runs.get(db, "rmine")["release"] == str(made.release)
