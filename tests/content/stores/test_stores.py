"""The embedded store and the one in memory: the contract, and what a disk and a killed process do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from registry.content.stores.embedded import EmbeddedStore
from registry.content.stores.memory import MemoryStore
from registry.core.errors import NotFound, Unavailable
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from tests.content.stores.store_contract import Damage, StoreContract, block
from tests.support.blocks import lose, overwrite


class TestEmbedded(StoreContract):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "store"

    @pytest.fixture
    def store(self, folder: Path) -> EmbeddedStore:
        return EmbeddedStore(folder)

    @pytest.fixture
    def damage(self, store: EmbeddedStore) -> Damage:
        def damage(cid: CID, data: bytes) -> None:
            overwrite(store, cid, b"!" + data)

        return damage

    def test_another_process_sees_it(self, store: EmbeddedStore, folder: Path) -> None:
        store.put_many([block("a")])
        store.pin(block("a")[0])
        again = EmbeddedStore(folder)
        assert again.get(block("a")[0]) == b"a"
        assert list(again.pins()) == [block("a")[0]]

    def test_verify_names_every_bad_block(self, store: EmbeddedStore, folder: Path) -> None:
        store.put_many(block(str(number)) for number in range(10))
        assert list(store.verify()) == []
        overwrite(store, block("3")[0], b"!")
        overwrite(store, block("7")[0], b"")
        assert {problem.cid for problem in store.verify()} == {block("3")[0], block("7")[0]}

    def test_one_flipped_bit_in_any_block_is_found_on_read_and_named(self, store: EmbeddedStore) -> None:
        blocks = [block(str(number) * (1 + number * 37)) for number in range(40)]
        store.put_many(blocks)
        for number, (cid, data) in enumerate(blocks):
            bit = number * 7919 % (8 * len(data))
            wrong = bytearray(data)
            wrong[bit // 8] ^= 1 << bit % 8
            overwrite(store, cid, bytes(wrong))
            with pytest.raises(NotFound, match=str(cid)):
                store.get(cid)
            assert [problem.cid for problem in store.verify()] == [cid]
            overwrite(store, cid, data)
        assert list(store.verify()) == []

    def test_gc_frees_only_what_nothing_reaches(self, store: EmbeddedStore) -> None:
        store.put_many(block(text) for text in "abc")
        store.pin(block("a")[0])
        store.put_many([block("d")])
        freed = store.gc([block("b")[0], block("d")[0], block("nowhere")[0]])
        assert freed == {"blocks": 1, "bytes": 1, "unlisted": 1, "unpinned": 2, "missing": 1, "left": 0}
        assert [store.has(block(text)[0]) for text in "abcd"] == [True, True, False, True]

    def test_gc_stops_where_a_closure_is_not_whole(self, store: EmbeddedStore, folder: Path) -> None:
        store.put_many(block(text) for text in "ab")
        store.pin(block("a")[0])
        lose(store, block("a")[0])
        with pytest.raises(NotFound):
            store.gc([])
        assert store.has(block("b")[0])

    def test_a_folder_that_can_not_be_made_is_unavailable(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        with pytest.raises(Unavailable):
            EmbeddedStore(tmp_path / "file" / "store")

    def test_a_store_counts_its_blocks_bytes_pins_and_packs(self, store: EmbeddedStore) -> None:
        store.put_many(block(text) for text in ("a", "bb"))
        assert {"blocks": 2, "bytes": 3, "pins": 0, "packs": 1}.items() <= store.stat().items()

    def test_two_processes_at_once_and_a_kill_leave_whole_blocks_only(self, folder: Path) -> None:
        code = (
            "import sys; from pathlib import Path\n"
            "from registry.content.stores.embedded import EmbeddedStore\n"
            "from registry.core.ipld.cid import RAW, cid_of\n"
            "store = EmbeddedStore(Path(sys.argv[1]))\n"
            "blocks = [(b'%d' % n) * 2000 for n in range(3000)]\n"
            "print('ready', flush=True)\n"
            "store.put_many((cid_of(data, RAW), data) for data in blocks)\n"
        )
        both = [subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE) for _ in range(2)]
        for process in both:
            assert process.stdout is not None
            process.stdout.readline()
        time.sleep(0.3)
        os.kill(both[0].pid, signal.SIGKILL)
        assert both[1].wait(60) == 0
        both[0].wait()
        for process in both:
            assert process.stdout is not None
            process.stdout.close()
        store = EmbeddedStore(folder)
        assert list(store.verify()) == []
        assert store.stat()["blocks"] == 3000


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    @pytest.fixture
    def damage(self, store: MemoryStore) -> Damage:
        def change(cid: CID, data: bytes) -> None:
            store._blocks[cid.multihash] = data

        return change

    def test_it_misbehaves_on_demand(self, store: MemoryStore) -> None:
        cid, data = block("abc")
        store.put(cid, data)
        store.flip(cid, 3)
        with pytest.raises(NotFound, match="damaged"):
            store.get(cid)
        store.put(cid, data)
        store.lose(cid)
        assert not store.has(cid)
        store.broken = True
        with pytest.raises(Unavailable):
            store.get(cid)


def test_a_pack_is_a_car_that_any_reader_reads(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.put_many(block(str(number)) for number in range(3))
    (path,) = (tmp_path / "packs").iterdir()
    with path.open("rb") as stream:
        roots, blocks = car.read(stream)
        assert (roots, dict(blocks)) == ((), dict(block(str(number)) for number in range(3)))
