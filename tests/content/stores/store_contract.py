"""What every ``registry.core.ports.store.BlockStore`` must do. Suites subclass ``StoreContract``, give the fixtures.

Fixtures: ``store`` (empty); ``damage(cid, data)`` puts wrong bytes where a block lies, behind the store's back.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from registry.content.unixfs.importer import add_bytes, add_directory
from registry.core.errors import InvalidInput, NotFound, Untrusted
from registry.core.ipld.cid import CID, DAG_CBOR, IDENTITY, RAW, cid_of
from registry.core.ipld.encoding import encode, links
from registry.core.ports.store import BlockStore

Damage = Callable[[CID, bytes], None]


def block(text: str) -> tuple[CID, bytes]:
    """A raw block."""
    return cid_of(text.encode(), RAW), text.encode()


class StoreContract:
    """The contract of ``registry/core/ports/store.py``, one statement a test."""

    def test_what_was_put_is_there(self, store: BlockStore) -> None:
        cid, data = block("a")
        assert not store.has(cid)
        store.put(cid, data)
        assert (store.has(cid), store.get(cid)) == (True, data)

    def test_again_is_a_no_op(self, store: BlockStore) -> None:
        cid, data = block("a")
        for _ in range(3):
            store.put(cid, data)
        assert store.put_many([(cid, data)]) == 0
        assert len(list(store.cids())) == 1

    def test_absent_is_not_found(self, store: BlockStore) -> None:
        with pytest.raises(NotFound):
            store.get(block("a")[0])

    def test_wrong_bytes_are_untrusted_and_not_kept(self, store: BlockStore) -> None:
        cid, _ = block("a")
        with pytest.raises(Untrusted):
            store.put(cid, b"b")
        assert not store.has(cid)

    def test_many_blocks_are_put_at_once_and_counted_once(self, store: BlockStore) -> None:
        blocks = [block(str(number)) for number in range(100)]
        assert store.put_many(blocks) == 100
        assert store.put_many(iter(blocks[:50])) == 0
        assert {cid.multihash for cid in store.cids()} == {cid.multihash for cid, _ in blocks}

    def test_one_content_under_two_codecs_is_one_block(self, store: BlockStore) -> None:
        data = encode({"a": 1})
        store.put(cid_of(data, DAG_CBOR), data)
        assert store.get(cid_of(data, RAW)) == data

    def test_the_empty_block_is_data_too(self, store: BlockStore) -> None:
        store.put(*block(""))
        assert store.get(block("")[0]) == b""

    def test_identity_cids_answer_themselves(self, store: BlockStore) -> None:
        cid = CID.v1(RAW, b"hello", IDENTITY)
        assert store.has(cid)
        assert store.get(cid) == b"hello"
        store.put(cid, b"hello")
        assert list(store.cids()) == []

    def test_blocks_are_at_most_2_mib(self, store: BlockStore) -> None:
        data = bytes((2 << 20) + 1)
        with pytest.raises(InvalidInput, match="2 MiB"):
            store.put(cid_of(data, RAW), data)

    @pytest.mark.parametrize("wrong", [b"", b"ab", b"abcdefgi", b"abcdefgh!"])
    def test_corrupt_is_missing_and_can_be_put_again(self, store: BlockStore, damage: Damage, wrong: bytes) -> None:
        cid, data = block("abcdefgh")
        store.put(cid, data)
        damage(cid, wrong)
        with pytest.raises(NotFound):
            store.get(cid)
        store.put(cid, data)
        assert store.get(cid) == data

    def test_a_pin_needs_its_whole_closure(self, store: BlockStore) -> None:
        cid, data = block("leaf")
        record = encode({"link": cid})
        root = cid_of(record, DAG_CBOR)
        store.put(root, record)
        with pytest.raises(NotFound, match=str(cid)):
            store.pin(root)
        assert list(store.pins()) == []
        store.put(cid, data)
        store.pin(root)
        store.pin(root)
        assert list(store.pins()) == [root]
        store.unpin(root)
        store.unpin(root)
        assert list(store.pins()) == []

    def test_a_directory_is_pinned_with_its_files(self, store: BlockStore) -> None:
        file = add_bytes(store, bytes(3 << 20))
        root = add_directory(store, {"big": (file.cid, file.tsize)}).cid
        store.flush()
        store.pin(root)
        assert list(store.pins()) == [root]

    def test_a_log_head_goes_forward_alone(self, store: BlockStore) -> None:
        one, two = block("one")[0], block("two")[0]
        assert store.log_head("did:pkh:eip155:1:0xaa") is None
        for seq, entry in ((4, one), (3, two), (4, two)):
            store.set_log_head("did:pkh:eip155:1:0xaa", seq, entry)
        assert store.log_head("did:pkh:eip155:1:0xaa") == (4, one)
        assert store.log_head("did:pkh:eip155:1:0xbb") is None
        store.set_log_head("did:pkh:eip155:1:0xaa", 5, two)
        assert store.log_head("did:pkh:eip155:1:0xaa") == (5, two)

    def test_what_is_removed_goes_from_below_its_pins_and_leaves_all_else(self, store: BlockStore) -> None:
        gone, stays = add_bytes(store, b"a" * (3 << 20)), add_bytes(store, b"a" * (1 << 20) + b"b" * (2 << 20))
        record = encode({"one": gone.cid, "other": stays.cid})
        root = cid_of(record, DAG_CBOR)
        store.put(root, record)
        store.flush()
        store.pin(root)
        shared, own = links(store.get(gone.cid), gone.cid.codec), links(store.get(stays.cid), stays.cid.codec)
        assert set(shared) & set(own)  # their first pieces are alike
        assert store.remove([gone.cid], lambda: [root]) == 1
        assert not store.has(gone.cid)
        assert all(store.has(cid) for cid in (root, stays.cid, *own))
        assert root in set(store.pins())
        assert store.remove([gone.cid], lambda: [root]) == 0

    def test_what_lies_below_what_is_removed_goes_with_it(self, store: BlockStore) -> None:
        file = add_bytes(store, bytes(range(256)) * (3 << 12) + b"end")
        flat = add_bytes(store, b"one block")
        store.flush()
        below = links(store.get(file.cid), file.cid.codec)
        assert store.remove([file.cid, flat.cid], list) == 1 + len(set(below)) + 1
        assert not any(store.has(cid) for cid in (file.cid, flat.cid, *below))
        store.put(*block("more"))
        store.flush()
        assert store.has(block("more")[0])
