"""What counts as published, decided block by block, whatever strangers linked to."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from registry.api.gateway.public import Public
from registry.api.problems import HttpProblem
from registry.assembly import Home
from registry.catalog.private_data import add_source
from registry.catalog.schema import derived
from registry.content.unixfs.importer import add_bytes, add_directory
from registry.core import records
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, RAW, cid_of
from registry.core.table import tables
from registry.workflows.images.registering.labeled_rows import NewRow
from registry.workflows.images.registering.register_images import register
from registry.workflows.log.append import append
from tests.support.blocks import lose


@pytest.fixture
def published(home: Home) -> Public:
    return Public(home)


def source(home: Home, root: CID, *, private: bool) -> None:
    with home.catalog.write() as db:
        add_source(db, root, kind="car", private=private, at=home.now())


def put(home: Home, data: bytes, codec: int = RAW) -> CID:
    cid = cid_of(data, codec)
    home.store.put(cid, data)
    return cid


def refused(published: Public, cid: CID) -> bool:
    try:
        published.check(cid)
    except NotFound:
        return True
    return False


def test_only_what_something_published_reaches(home: Home, published: Public) -> None:
    inside, outside = add_bytes(home.store, b"inside"), add_bytes(home.store, b"outside")
    root = add_directory(home.store, {"a": (inside.cid, inside.tsize)}).cid
    assert refused(published, root)
    source(home, root, private=True)
    assert refused(published, root)
    source(home, root, private=False)
    published.check(root)
    published.check(inside.cid)
    assert refused(published, outside.cid)


def test_bytes_that_come_after_their_name(home: Home, published: Public) -> None:
    leaf = add_bytes(home.store, b"leaf")
    inner = add_directory(home.store, {"leaf": (leaf.cid, leaf.tsize)}).cid
    inner_bytes = home.store.get(inner)
    root = add_directory(home.store, {"inner": (inner, 100)}).cid
    lose(home.store, inner)
    source(home, root, private=False)
    published.check(root)
    assert refused(published, leaf.cid)
    home.store.put(inner, inner_bytes)
    published.check(leaf.cid)


def test_a_stranger_s_malformed_block_stops_nothing(home: Home, published: Public) -> None:
    bad = [put(home, b"\xff\xff not cbor", DAG_CBOR), put(home, b"\xff\xff not protobuf", DAG_PB)]
    good = put(home, b"good")
    for root in [*bad, good]:
        source(home, root, private=False)
    for root in [*bad, good]:
        published.check(root)


def test_a_codec_that_lies_publishes_nothing_more(home: Home, published: Public) -> None:
    hidden = add_bytes(home.store, b"hidden")
    folder = add_directory(home.store, {"a": (hidden.cid, hidden.tsize)}).cid
    source(home, CID.v1(RAW, folder.digest), private=False)  # the folder's block as mere bytes: its links don't count
    published.check(folder)
    assert refused(published, hidden.cid)
    source(home, folder, private=False)  # and once it is published as a folder, they do
    published.check(hidden.cid)


def test_named_is_not_linked(home: Home, published: Public) -> None:
    private = put(home, b"named by a withdrawal, not linked")
    said = append(
        home, home.key, records.Withdrawal(target=bytes(private), reason="test", remedy="notice", effective=home.now())
    )
    published.check(said.entry)
    published.check(said.record)
    assert refused(published, private)


def test_an_image_by_all_its_names(home: Home, published: Public) -> None:
    data = bytes(300_000)
    one = add_bytes(home.store, data, "unixfs-v1-2025")
    two = add_bytes(home.store, data, "unixfs-v0-2015")
    assert one.sha256 == two.sha256
    rows = [
        NewRow(row=1, name="", sha256=one.sha256, cid=added.cid, size=one.size, label="feliz", contributor="anna")
        for added in (one, two)
    ]
    register(home, home.key, rows[:1])
    published.check(one.cid)
    assert refused(published, two.cid)
    register(home, home.key, rows[1:])  # nothing new is said, but another name of it is known
    published.check(two.cid)
    append(
        home, home.key, records.Withdrawal(target=one.sha256, reason="asked to", remedy="notice", effective=home.now())
    )
    for added in (one, two):
        with pytest.raises(HttpProblem) as raised:
            published.check(added.cid)
        assert raised.value.status_code == 410


def test_a_new_name_of_a_withdrawn_image_is_withheld_too(home: Home, published: Public) -> None:
    data = bytes(300_000)
    one, two = add_bytes(home.store, data, "unixfs-v1-2025"), add_bytes(home.store, data, "unixfs-v0-2015")
    append(
        home, home.key, records.Withdrawal(target=one.sha256, reason="asked to", remedy="notice", effective=home.now())
    )
    for added in (one, two):
        row = NewRow(row=1, name="", sha256=one.sha256, cid=added.cid, size=one.size, label="feliz", contributor="anna")
        register(home, home.key, [row])
        with pytest.raises(HttpProblem):
            published.check(added.cid)


def test_tables_and_what_they_link_are_reached(home: Home, published: Public) -> None:
    rows = [[bytes([index]) * 32, 0, index % 3] for index in range(200)]
    table = tables.build(records.FOLDS, rows, home.store.put)
    contribution = records.Contribution(issuer=home.key.did, rows=table)
    home.store.put(records.cid(contribution), records.encode(contribution))
    assert refused(published, table)
    source(home, records.cid(contribution), private=False)
    published.check(table)


def test_what_is_known_is_not_asked_for_again(home: Home, published: Public) -> None:
    root = put(home, b"a root")
    source(home, root, private=False)
    published.check(root)
    statements: list[str] = []
    sa.event.listen(home.catalog.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    published.check(root)
    asked = [text for text in statements if text.lstrip().startswith("SELECT")]
    assert len(asked) == 1
    assert derived.withdrawals.name in asked[0]
