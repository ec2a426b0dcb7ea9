"""A bucket as a store: the contract on a real server, what machines that share it see of each other, what is deleted,
and a network that drops, delays and changes what passes."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.content.stores.read_ahead import ReadAhead
from registry.content.stores.s3 import commits, pack
from registry.content.stores.s3.bucket import Bucket, Place
from registry.content.stores.s3.store import S3Store
from registry.content.unixfs.importer import add_bytes
from registry.content.unixfs.reader import read_whole
from registry.core.errors import NotFound, Unavailable, UsageError
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from tests.content.stores.store_contract import Damage, StoreContract, block
from tests.support.processes.s3 import KEY, S3, SECRET, Front, front_before

Open = Callable[..., S3Store]


@pytest.fixture
def place(s3: S3) -> Place:
    return s3.place(s3.bucket())


@pytest.fixture
def bucket(place: Place) -> Bucket:
    return Bucket(place)


@pytest.fixture
def machine(place: Place, tmp_path: Path) -> Iterator[Open]:
    """Opens the store as one machine more has it: with a cache of its own."""
    made: list[S3Store] = []

    def opened(at: Place = place, grace: int = 0) -> S3Store:
        made.append(S3Store(Bucket(at), tmp_path / f"machine-{len(made)}", grace))
        return made[-1]

    yield opened
    for one in made:
        one.close()


def overwrite(store: S3Store, bucket: Bucket, cid: CID, data: bytes) -> None:
    """Put other bytes where a block lies, zeros if they are fewer."""
    store.flush()
    there = store._known.find(cid.multihash)
    assert there is not None
    before = bytearray(bucket.get(there.pack) or b"")
    before[there.offset : there.offset + there.length] = data[: there.length].ljust(there.length, b"\0")
    bucket.replace(there.pack, bytes(before))
    store._ahead = ReadAhead()


class TestS3(StoreContract):
    @pytest.fixture
    def store(self, machine: Open) -> S3Store:
        return machine()

    @pytest.fixture
    def damage(self, store: S3Store, bucket: Bucket) -> Damage:
        return lambda cid, data: overwrite(store, bucket, cid, b"!" + data)

    def test_verify_names_every_bad_block(self, store: S3Store, bucket: Bucket) -> None:
        store.put_many(block(str(number)) for number in range(10))
        assert list(store.verify()) == []
        overwrite(store, bucket, block("3")[0], b"!")
        overwrite(store, bucket, block("7")[0], b"")
        assert {problem.cid for problem in store.verify()} == {block("3")[0], block("7")[0]}


def test_what_one_machine_flushed_the_others_have(machine: Open) -> None:
    one, two = machine(), machine()
    one.put(*block("a"))
    assert not two.has(block("a")[0])
    one.flush()
    assert two.get(block("a")[0]) == b"a"
    two.put_many([block("b"), block("a")])
    one.pin(block("b")[0])
    assert list(two.pins()) == [block("b")[0]]
    assert [one.get(block(text)[0]) for text in "ab"] == [b"a", b"b"]
    assert one.missing([block(text)[0] for text in "xaby"]) == [block("x")[0], block("y")[0]]
    assert one.stat()["packs"] == 2  # the second held one block


def test_blocks_lie_many_in_an_object_that_any_car_reader_reads(machine: Open, bucket: Bucket) -> None:
    store = machine()
    store.put_many(block(str(number)) for number in range(1000))
    (there,) = bucket.list("packs/")
    _, blocks = car.read(io.BytesIO(bucket.get(there.name) or b""))
    assert dict(blocks).items() > dict(block(str(number)) for number in range(1000)).items()
    assert len(list(bucket.list(""))) == 3  # the pack, its commit and the bucket's own name


def test_much_is_written_in_several_packs_of_several_parts(
    machine: Open, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "PACK_BYTES", 20 << 20)
    store = machine()
    blocks = [block(str(number).rjust(1 << 20)) for number in range(50)]
    assert store.put_many(blocks) == 50
    assert [one.size > 20 << 20 for one in bucket.list("packs/")].count(True) == 2
    other = machine()
    other.prefetch([cid for cid, _ in blocks[:10]])
    assert all(other.get(cid) == data for cid, data in blocks)


def test_many_machines_commit_at_once_and_nothing_is_lost(machine: Open) -> None:
    from concurrent.futures import ThreadPoolExecutor

    stores = [machine() for _ in range(4)]

    def write(number: int) -> None:
        for each in range(10):
            stores[number].put_many([block(f"{number} {each}")])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    late = machine()
    assert len(list(late.cids())) == 40
    assert late._known.position() == 40


def test_who_comes_late_starts_from_a_base(machine: Open, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "STEP", 4)
    store = machine()
    for number in range(10):
        store.put_many([block(str(number))])
    store.gc([block(str(number))[0] for number in range(9)])
    assert [one.name[-1] for one in bucket.list("bases/")] == ["4", "8"]
    bucket.delete(f"commits/{number:012}" for number in range(1, 9))  # which nobody needs any more
    late = machine()
    assert {cid.multihash for cid in late.cids()} == {block(str(number))[0].multihash for number in range(9)}


def test_gc_deletes_out_of_packs_and_other_machines_go_on(machine: Open, bucket: Bucket) -> None:
    store, other = machine(), machine()
    store.put_many(block(text * 1000) for text in "abcd")
    store.pin(block("a" * 1000)[0])
    assert other.get(block("b" * 1000)[0]) == b"b" * 1000
    (before,) = bucket.list("packs/")
    report = store.gc([block("b" * 1000)[0], block("d" * 1000)[0], block("nowhere")[0]])
    assert report == {"blocks": 1, "bytes": 1000, "unlisted": 1, "unpinned": 2, "missing": 1, "left": 0}
    (after,) = bucket.list("packs/")
    assert after.name != before.name
    assert b"c" * 1000 not in (bucket.get(after.name) or b"")
    other._ahead = ReadAhead()
    assert [other.get(block(text * 1000)[0])[:1] for text in "abd"] == [b"a", b"b", b"d"]  # its places were old
    assert not other.has(block("c" * 1000)[0])
    assert list(other.verify()) == []


def test_a_withdrawn_block_goes_at_once_and_a_new_one_stays(machine: Open, bucket: Bucket) -> None:
    store = machine(grace=3600)
    store.put_many(block(text) for text in ("kept", "withdrawn", "new"))
    denied = {block("withdrawn")[0].multihash}
    assert store.gc([block(text)[0] for text in ("kept", "withdrawn")], denied)["blocks"] == 1
    assert [store.has(block(text)[0]) for text in ("kept", "withdrawn", "new")] == [True, False, True]
    assert not any(b"withdrawn" in (bucket.get(one.name) or b"") for one in bucket.list("packs/"))


def test_a_block_that_is_put_again_while_it_is_collected_stays(machine: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    store, other = machine(), machine()
    store.put_many([block("a"), block("b")])
    other.missing([])
    write = pack.Pack.write

    def while_it_copies(self: Any, bucket: Bucket) -> Any:
        monkeypatch.setattr(pack.Pack, "write", write)
        other.put_many([block("b")])
        return write(self, bucket)

    monkeypatch.setattr(pack.Pack, "write", while_it_copies)
    with pytest.raises(Unavailable, match="in use again"):
        store.gc([block("a")[0]])
    assert other.get(block("b")[0]) == b"b"
    other.put(*block("b"))  # and the other way round: what was collected is not taken for stored
    store.gc([block("a")[0]])
    with pytest.raises(Unavailable, match="deleted as garbage"):
        other.flush()
    other.put_many([block("b")])
    assert store.get(block("b")[0]) == b"b"


def test_small_packs_are_joined_and_unknown_ones_removed(machine: Open, bucket: Bucket) -> None:
    store = machine()
    for number in range(12):
        store.put_many([block(str(number))])
    bucket.put("packs/left-by-a-killed-process.car", [b"x"])
    report = store.gc([block(str(number))[0] for number in range(12)])
    assert report["blocks"] == 0
    assert len(list(bucket.list("packs/"))) == 1
    assert machine().get(block("7")[0]) == b"7"


@pytest.fixture
def front(s3: S3) -> Iterator[Front]:
    with front_before(s3) as made:
        yield made


@pytest.mark.parametrize("what", ["500", "slow", "lost", "unanswered", "flip", "cut", "late"])
def test_a_network_that_misbehaves_delays_and_changes_nothing(
    machine: Open, place: Place, s3: S3, front: Front, what: str
) -> None:
    away = s3.place(place.url.split("/")[2], front.address, retries=4, seconds=5.0)
    store, straight = machine(away), machine()
    for number in range(3):
        blocks = [block(f"{what} {number} {each}" * 100) for each in range(5)]
        front.plan = [what] if number == 0 else ["pass", what] if number == 1 else [what, what]
        store.put_many(blocks)
        front.plan = [what]
        store._ahead = ReadAhead()
        assert store.get(blocks[0][0]) == blocks[0][1]
        assert all(straight.get(cid) == data for cid, data in blocks)
        front.plan = [what]
        assert not store.has(block(f"absent {number}")[0])
    assert len(list(straight.cids())) == 15
    assert straight._known.position() == 3  # an answer that was lost is no second commit
    assert list(straight.verify()) == []


def test_a_request_that_is_changed_on_the_way_is_not_taken(machine: Open, place: Place, s3: S3, front: Front) -> None:
    away = s3.place(place.url.split("/")[2], front.address, retries=1, seconds=5.0)
    store = machine(away)
    front.plan, front.only = ["flip sent"] * 4, lambda method, path: method == "PUT"
    store.put(*block("a" * 1000))
    with pytest.raises(Unavailable):
        store.flush()
    assert not machine().has(block("a" * 1000)[0])
    front.plan = []
    store.flush()
    assert machine().get(block("a" * 1000)[0]) == b"a" * 1000


def test_a_service_that_is_away_is_said_in_one_sentence_without_secrets(
    machine: Open, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    away = Place(place.url, "http://127.0.0.1:1", None, KEY, SECRET, retries=0, seconds=1.0)
    with pytest.raises(Unavailable, match="s3://") as caught:
        machine(away)
    assert caught.value.hint
    said = f"{caught.value!r} {caught.value.__cause__!r} {away!r} {caplog.text}"
    assert SECRET not in said
    assert KEY not in said
    wrong = Place(place.url, place.endpoint, None, KEY, "wrong", retries=0)
    with pytest.raises(Unavailable, match="refuses") as caught:
        machine(wrong)
    assert "EMOTIONET_S3_SECRET" in (caught.value.hint or "")


def test_a_bucket_that_is_not_there_is_no_empty_one(machine: Open, s3: S3) -> None:
    with pytest.raises(Unavailable):
        machine(s3.place("there-is-none"))


@pytest.mark.parametrize("wrong", ["bucket", "s3://", "s3://B", "https://bucket", "s3://bucket/../other x"])
def test_what_names_no_bucket_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match="EMOTIONET_S3"):
        Bucket(Place(wrong, None, None, "a", "b"))


def test_without_credentials_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="credentials are missing"):
        Bucket(Place("s3://bucket"))


def test_a_service_without_conditional_writes_is_refused(
    machine: Open, monkeypatch: pytest.MonkeyPatch, bucket: Bucket
) -> None:
    def overwrites(self: Bucket, name: str, data: bytes) -> bool:
        self.replace(name, data)
        return True

    monkeypatch.setattr(Bucket, "create", overwrites)
    with pytest.raises(UsageError, match="If-None-Match"):
        machine()


def test_a_file_of_many_blocks_is_read_in_a_few_requests(machine: Open, place: Place, s3: S3, front: Front) -> None:
    data = bytes(range(256)) * (12 << 12)  # 12 MiB, of which every chunk is another
    data = b"".join(number.to_bytes(4, "big") * (1 << 18) for number in range(12))
    writer = machine()
    root = add_bytes(writer, data).cid
    writer.flush()
    reader = machine(s3.place(place.url.split("/")[2], front.address))
    assert reader.has(root)
    front.seen.clear()
    assert read_whole(reader, root) == data
    assert len(front.seen) <= 4, front.seen


def test_a_block_whose_pack_is_gone_is_missing_and_can_be_put_again(machine: Open, bucket: Bucket) -> None:
    store = machine()
    store.put_many([block("a")])
    bucket.delete(one.name for one in list(bucket.list("packs/")))
    with pytest.raises(NotFound):
        store.get(block("a")[0])
    store.put_many([block("a")])
    assert machine().get(block("a")[0]) == b"a"
