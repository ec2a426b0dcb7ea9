"""Texts that one database can't hold, or none: whatever kind of record says them, and wherever, what was withdrawn
stays so, all else is indexed, and what can't be is told. On both databases."""

from __future__ import annotations

import random
from collections.abc import Iterator

import sqlalchemy as sa

from registry.catalog.index.rebuild import rebuild
from registry.catalog.queries.signed_records import lineage
from registry.catalog.queries.signed_records.withdrawals import withdrawn_images
from registry.catalog.schema import derived
from registry.catalog.schema.derived import REBUILDABLE
from registry.core import log, records
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.table import tables
from tests.catalog.world import NOW, World, at, dump, sha256_of
from tests.support.anchors.signer import MemorySigner
from tests.support.planted import HALF, different, encoded, lies, replaced

LONG = "".join(random.Random(1).choices("0123456789abcdefghijklmnopqrstuvwxyz", k=4000))  # no index of PostgreSQL's
TEXTS = {  # can hold it
    "NUL": "a\0b",
    "half of a pair": f"a{HALF}b",
    "another line": "a\u2028b",
    "beyond all planes": "\U0010ffff",
    "long": LONG,
    "nothing": "",
}


def say(world: World, key: MemorySigner, data: bytes) -> CID:
    """An entry for bytes, whatever they are."""
    record = cid_of(data, DAG_CBOR)
    world.store.put(record, data)
    prev, seq = world.heads[key.did]
    world.minute += 1
    entry = log.make_entry(key, seq + 1, prev, world.firsts[key.did], record, at(world.minute % 600))
    cid = world.put(entry)
    world.heads[key.did] = (cid, seq + 1)
    return cid


def of_each_kind(world: World) -> dict[str, records.Record]:
    """One honest record of every kind that a log can say."""
    numbers = [1, 2, 3, 4]
    snapshot = world.snapshot(numbers, [world.label(*(world.row(number, "feliz") for number in numbers))], [5])
    made = world.release(snapshot, numbers)
    found = {}
    for cid in (snapshot, made.release, made.plan, made.draw, made.preprocessing, made.evaluation, *made.trainings):
        record = records.parse(world.store.get(cid))
        found[records.type_of(record)] = record
    more = (
        records.Withdrawal(target=bytes(made.release), reason="asked to", remedy="notice", effective=NOW),
        records.Name(name="faces", target=bytes(snapshot)),
        records.Profile(name="Ana", url="https://example.org/us", contact="write to us"),
        records.Issuer(chains=(("eip155:1", "0x" + "0" * 40),)),
    )
    return found | {records.type_of(record): record for record in more}


def emptied(world: World) -> None:
    with world.catalog.write() as db:
        for table in reversed(REBUILDABLE):
            db.execute(sa.delete(table))


def contributions(world: World, issuer: str) -> Iterator[tuple[str, bytes]]:
    """Rows with such a text in any of their columns, in tables that are in order."""
    honest = dict(world.row(2, "feliz"), subject="s", consent="yes", attributes={"age": "old"}, sources={"age": "self"})
    for path in different(honest, str):
        for name, text in TEXTS.items():
            row = replaced(honest, path, text)
            blocks: dict[CID, bytes] = {}
            shape = records.CONTRIBUTION_ROWS
            made = tables.build(shape, [[row[column] for column in shape.columns]], blocks.__setitem__)
            head = encoding.decode(blocks[made])
            leaf = encoded(encoding.decode(blocks[head["root"]]))
            head["root"] = cid_of(leaf, DAG_CBOR)
            table = encoding.encode(head)
            for data in (leaf, table):
                world.store.put(cid_of(data, DAG_CBOR), data)
            record = records.Contribution(issuer=issuer, rows=cid_of(table, DAG_CBOR))
            yield f"{'.'.join(map(str, path))}: {name}", records.encode(record)


def test_no_text_in_any_record_brings_a_withdrawn_image_back(world: World) -> None:
    honest = of_each_kind(world)
    gone = [sha256_of(2), sha256_of(3)]
    first, last = (
        records.Withdrawal(target=one, reason=said, remedy="notice", effective=NOW)
        for one, said in zip(gone, ("a\0b", LONG), strict=True)
    )
    world.append(first)
    keys = world.key, MemorySigner(9)
    world.append(records.Issuer(chains=()), key=keys[1])
    planted = {
        say(world, keys[number % 2], data): f"{kind} {name}"
        for kind, record in honest.items()
        for number, (name, data) in enumerate(lies(records.to_value(record), {str: TEXTS}))
    }
    for key in keys:
        planted |= {say(world, key, data): f"rows {name}" for name, data in contributions(world, key.did)}
    world.append(last, index=False)
    assert len(planted) > 150
    emptied(world)
    done = rebuild(world.catalog, world.store.get, world.store.cids(), NOW)
    told = {one["cid"] for one in done["problems"]}
    with world.catalog.read() as db:
        assert withdrawn_images(db) >= set(gone)
        kinds = {row.cid: row.record_type for row in db.execute(sa.select(derived.entries))}
        assert [name for cid, name in planted.items() if str(cid) not in kinds] == []  # all have their places
        assert [name for cid, name in planted.items() if kinds[str(cid)] is None and str(cid) not in told] == []
        halves = [cid for cid, name in planted.items() if name.endswith("half of a pair")]
        assert {str(cid) for cid in halves} <= told
        for number in range(1, 6):
            lineage.lookup(db, sha256_of(number).hex())
    before = dump(world.catalog)
    rebuild(world.catalog, world.store.get, world.store.cids(), NOW)
    assert dump(world.catalog) == before
