"""What a kill, a full disk and other processes do to the store on disk: the old state or the new one."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from registry.content.stores.embedded import EmbeddedStore
from registry.core.errors import NotFound, Unavailable
from tests.content.stores.store_contract import block
from tests.support.processes.together import alone


def killed_at(last: int, folder: Path, what: str) -> None:
    """Do it, and be killed at that step: for a process of its own, in which every way to the disk counts as one."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            step()
            return function(*arguments, **named)

        return wrapped

    def halves(number: int, pieces: Sequence[bytes]) -> int:
        data = b"".join(pieces)
        done = os.write(number, data[: len(data) // 2 or 1])
        step()
        return done

    class Connection(sqlite3.Connection):
        def execute(self, *arguments: Any) -> sqlite3.Cursor:
            step()
            done = super().execute(*arguments)
            step()
            return done

        def executemany(self, *arguments: Any) -> sqlite3.Cursor:
            step()
            return super().executemany(*arguments)

    vars(os).update(writev=halves, **{name: before(vars(os)[name]) for name in ("fsync", "open", "ftruncate")})
    setattr(Path, "unlink", before(Path.unlink))  # noqa: B010
    connect = sqlite3.connect
    vars(sqlite3)["connect"] = lambda *a, **k: connect(*a, factory=Connection, **k)
    store = EmbeddedStore(folder)
    if what == "put":
        store.put_many(NEW)
    elif what == "pin":
        store.pin(OLD[1][0])
    else:
        store.gc([OLD[1][0]])
    os._exit(0)


OLD = [block(f"old {number}") for number in range(5)]
NEW = [block(f"new {number}") for number in range(20)]


@pytest.mark.parametrize("what", ["put", "pin", "gc"])
def test_killed_at_every_step_it_is_the_old_state_or_the_new_one(tmp_path: Path, what: str) -> None:
    states = set()
    for step in range(1, 200):
        folder = tmp_path / str(step)
        store = EmbeddedStore(folder)
        store.put_many(OLD)
        store.close()
        ended = alone(killed_at, step, folder, what)
        assert ended in (0, -signal.SIGKILL)
        store = EmbeddedStore(folder)
        assert list(store.verify()) == []
        assert store.get(OLD[1][0]) == OLD[1][1]
        held = sum(store.has(cid) for cid, _ in [*OLD, *NEW])
        states.add((held, len(list(store.pins()))))
        store.put_many(NEW)  # and it works as ever
        assert all(store.get(cid) == data for cid, data in NEW)
        store.gc([cid for cid, _ in NEW])
        assert store.stat()["blocks"] == 20 + len(list(store.pins()))
        store.close()
        if ended == 0:
            break
    else:
        raise AssertionError("it never ended")
    assert step > 8
    assert states == {"put": {(5, 0), (25, 0)}, "pin": {(5, 0), (5, 1)}, "gc": {(5, 0), (1, 0)}}[what]


def test_what_was_not_flushed_is_not_seen_by_others_and_costs_nothing(tmp_path: Path) -> None:
    store, other = EmbeddedStore(tmp_path), EmbeddedStore(tmp_path)
    cid, data = block("a")
    store.put(cid, data)
    assert store.get(cid) == data
    assert not other.has(cid)
    store.flush()
    assert other.get(cid) == data


def test_a_batch_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    batch = store.batch()
    batch.put(*block("a"))
    store.put(*block("b"))
    batch.abort()
    store.flush()
    assert [store.has(block(text)[0]) for text in "ab"] == [False, True]
    again = store.batch()
    again.put(*block("a"))
    assert not store.has(block("a")[0])
    again.commit()
    assert store.get(block("a")[0]) == b"a"
    assert list(store.verify()) == []


def test_a_full_pack_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.content.stores.batch.PACK_BYTES", 5000)
    store = EmbeddedStore(tmp_path)
    blocks = [block(str(number) * 1000) for number in range(30)]
    assert store.put_many(blocks) == 30
    assert store.stat()["packs"] > 5
    assert all(store.get(cid) == data for cid, data in blocks)
    assert list(store.verify()) == []


FULL = """
import resource, sys
from pathlib import Path
from registry.content.stores.embedded import EmbeddedStore
from registry.core.ipld.cid import RAW, cid_of
from registry.core.errors import Unavailable

store = EmbeddedStore(Path(sys.argv[1]))
store.put_many([(cid_of(b"first", RAW), b"first")])
resource.setrlimit(resource.RLIMIT_FSIZE, (6 << 20, resource.RLIM_INFINITY))
said = []
for number in range(40):
    data = number.to_bytes(4, "big") * (1 << 18)
    try:
        store.put(cid_of(data, RAW), data)
    except Unavailable as error:
        said.append(str(error))
try:
    store.flush()
except Unavailable as error:
    said.append(str(error))
assert said and all("File too large" in one for one in said), said
assert store.stat()["blocks"] == 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.flush()  # there is room again: what was taken in is kept
print(store.stat()["blocks"])
"""


def test_a_full_disk_is_said_and_nothing_is_half_written(tmp_path: Path) -> None:
    code = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n" + FULL
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    store = EmbeddedStore(tmp_path)
    assert 1 < int(done.stdout) == store.stat()["blocks"] < 41
    assert list(store.verify()) == []


def test_gc_keeps_what_is_new_while_others_write(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.put_many([block("a")])
    code = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from registry.content.stores.embedded import EmbeddedStore
        from tests.content.stores.store_contract import block
        store = EmbeddedStore(Path(sys.argv[1]))
        store.put(*block("b"))
        store.flush()
        print("ready", flush=True)
        sys.stdin.read()
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert store.gc([])["blocks"] == 0  # it may be about to speak of them
        assert store.has(block("b")[0])
        writer.communicate()
    assert store.gc([])["blocks"] == 2


def test_gc_gives_the_disk_back_and_readers_go_on(tmp_path: Path) -> None:
    store, other = EmbeddedStore(tmp_path), EmbeddedStore(tmp_path)
    kept = [block("k" * 1000 + str(number)) for number in range(50)]
    dropped = [block("d" * 1000 + str(number)) for number in range(500)]
    store.put_many([*kept[:25], *dropped, *kept[25:]])
    assert other.get(kept[0][0]) == kept[0][1]
    other.close()
    before = sum(path.stat().st_size for path in (tmp_path / "packs").iterdir())
    stop, failed = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            for cid, data in kept:
                if store.get(cid) != data:
                    failed.append(cid)

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.05)
    assert store.gc([cid for cid, _ in kept])["blocks"] == 500
    stop.set()
    reader.join()
    assert not failed
    after = sum(path.stat().st_size for path in (tmp_path / "packs").iterdir())
    assert after < before // 5
    assert list(store.verify()) == []
    secret = dropped[7][1]
    assert not any(secret in path.read_bytes() for path in (tmp_path / "packs").iterdir())


def test_a_pack_that_is_cut_or_gone_is_named_block_by_block(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    blocks = [block(str(number) * 100) for number in range(10)]
    store.put_many(blocks)
    (path,) = (tmp_path / "packs").iterdir()
    os.truncate(path, path.stat().st_size - 150)
    assert {problem.cid for problem in store.verify()} == {cid for cid, _ in blocks[8:]}
    with pytest.raises(NotFound, match="damaged"):
        store.get(blocks[9][0])
    store.put_many(blocks)  # in another pack, as this one is short
    assert list(store.verify()) == []
    path.unlink()
    again = EmbeddedStore(tmp_path)
    assert len(list(again.verify())) == 8
    with pytest.raises(NotFound):
        again.get(blocks[0][0])


def test_an_index_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(Unavailable, match="index"):
        EmbeddedStore(tmp_path)
