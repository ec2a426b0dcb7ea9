"""`python -m bench.content [--ipfs PATH]`: the content layer against Kubo and against sha256, in the same minute.

Kubo (`ipfs` on PATH, .tools/kubo/ipfs, or --ipfs) runs without a daemon, its repository beside ours. Every pair is
run in turn, its files removed after each, and the medians are printed with their ratio.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

from bench.measure import compare, seconds
from registry.content.car_import import import_car
from registry.content.labels import labeled_folder as folder
from registry.content.stores.embedded import EmbeddedStore
from registry.content.stores.memory import NullSink
from registry.content.unixfs import importer, reader
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_closure

FILES, FILE_BYTES, BIG = 5000, 20 << 10, 1 << 30
PROFILE = "unixfs-v1-2025"
_NUMBER = count()


def fresh(place: Path) -> Path:
    """A new empty folder."""
    made = place / f"{next(_NUMBER)}"
    made.mkdir()
    return made


def noise(path: Path, size: int) -> Path:
    """A file of random bytes."""
    with path.open("wb") as handle:
        for at in range(0, size, 1 << 20):
            handle.write(os.urandom(min(1 << 20, size - at)))
    return path


def sha256_of(path: Path) -> None:
    """What no verified reading can be faster than."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)


class Kubo:
    """`ipfs add` with the daemon stopped, as its default flushes."""

    def __init__(self, program: str, place: Path) -> None:
        self._program, self._place = program, place

    def add(self, source: Path) -> Callable[[], float]:
        """The seconds of one `ipfs add -r` into a new repository, which is made before and removed after."""

        def run() -> float:
            repository = fresh(self._place)
            environment = {**os.environ, "IPFS_PATH": str(repository), "IPFS_TELEMETRY": "off"}
            quiet = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
            subprocess.run([self._program, "init", f"--profile={PROFILE},server"], **quiet)  # type: ignore[call-overload]
            add = [self._program, "add", "-Q", "-r", str(source)]
            taken = seconds(lambda: subprocess.run(add, **quiet))  # type: ignore[call-overload]
            shutil.rmtree(repository)
            return taken

        return run


def importing(place: Path, source: Path) -> Callable[[], float]:
    """The seconds of importing ``source`` into a new store, flushed."""

    def run() -> float:
        made = fresh(place)
        store = EmbeddedStore(made)

        def work() -> None:
            folder.import_folder(source, store, PROFILE)
            store.flush()

        taken = seconds(work)
        store.close()
        shutil.rmtree(made)
        return taken

    return run


def against_kubo(place: Path, small: Path, big: Path, program: str | None) -> None:
    """Importing, beside `ipfs add`."""
    if program is None:
        print("no Kubo here: importing is not compared (give --ipfs)")
        return
    kubo = Kubo(program, place)
    compare(f"import {FILES} files of 20 KiB, flushed", importing(place, small), kubo.add(small), "ipfs add")
    compare("import 1 GiB, flushed", importing(place, big), kubo.add(big), "ipfs add")


def against_sha256(place: Path, big: Path) -> None:
    """Verified reading, CAR out and CAR in, beside hashing the same bytes."""
    store = EmbeddedStore(fresh(place))
    with big.open("rb") as stream:
        root = importer.add_file(store, stream, digest=False).cid
    store.flush()
    target = place / "big.car"

    def read() -> None:
        for _ in reader.read_file(store, root):
            pass

    def export() -> None:
        with target.open("wb") as out:
            car.write([root], walk_closure(store.get, [root]), out)

    def importing_car() -> float:
        made = fresh(place)
        other = EmbeddedStore(made)

        def work() -> None:
            with target.open("rb") as stream:
                import_car(other, stream)

        taken = seconds(work)
        other.close()
        shutil.rmtree(made)
        return taken

    def hashing() -> float:
        return seconds(lambda: sha256_of(big))

    compare("read 1 GiB, verified", lambda: seconds(read), hashing, "hashlib.sha256", size=BIG)
    compare("export 1 GiB as CAR", lambda: seconds(export), hashing, "hashlib.sha256", size=BIG)
    compare("import that CAR, flushed", importing_car, hashing, "hashlib.sha256", size=BIG)


def many_entries() -> None:
    """A sharded directory of 100,000 names."""
    one = CID.parse("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")
    entries = {f"img_{number:06d}.jpg": (one, 0) for number in range(100_000)}
    taken = seconds(lambda: importer.add_directory(NullSink(), entries))
    print(f"a directory of 100,000 entries {taken:28.3f} s")


def main() -> None:
    """All of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ipfs", default=shutil.which("ipfs") or shutil.which(".tools/kubo/ipfs"))
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="emotionet-bench-", dir=Path.cwd()) as name:
        place = Path(name)
        small = place / "small"
        small.mkdir()
        for number in range(FILES):
            (small / f"img_{number:05d}.jpg").write_bytes(os.urandom(FILE_BYTES))
        big = noise(place / "big", BIG)
        against_kubo(place, small, big, wanted.ipfs)
        against_sha256(place, big)
    many_entries()


if __name__ == "__main__":
    main()
