"""`make bench`: each measurement beside its baseline in the same minute; machines are noisy, so read the ratios."""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from registry.content.embedded import EmbeddedStore
from registry.content.importer import add_bytes, add_file
from registry.content.reader import read_file
from registry.core import car, tables
from registry.core.dag import walk_closure

ROUNDS = 3
FILES, FILE_BYTES = 2000, 20 << 10
BIG = 256 << 20


def seconds(work: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def compare(name: str, ours: Callable[[], object], baseline: Callable[[], object], against: str) -> None:
    """Both in turn, ROUNDS times; the medians and the ratio of the baseline's seconds to ours."""
    pairs = [(seconds(ours), seconds(baseline)) for _ in range(ROUNDS)]
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{name:44} {mine:8.3f} s   {against:38} {theirs:8.3f} s   ratio {theirs / mine:6.2f}")


def small_files(folder: Path) -> None:
    """Importing many small files, stored and flushed."""
    data = [os.urandom(FILE_BYTES) for _ in range(FILES)]

    def ours() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            store = EmbeddedStore(Path(place))
            for one in data:
                add_bytes(store, one)
            store.flush()

    def plain() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            for number, one in enumerate(data):
                with (Path(place) / str(number)).open("wb") as handle:
                    handle.write(one)
                    handle.flush()
                    os.fsync(handle.fileno())

    compare(f"import {FILES} files of 20 KiB", ours, plain, "write and flush one by one")


def large_file(folder: Path) -> None:
    """One large file in, read verified, out as a CAR and in again."""
    source = folder / "big"
    source.write_bytes(os.urandom(BIG))
    store = EmbeddedStore(folder / "store")

    def hashing() -> None:
        with source.open("rb") as stream:
            hashlib.file_digest(stream, "sha256")

    def importing() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as place, source.open("rb") as stream:
            fresh = EmbeddedStore(Path(place))
            add_file(fresh, stream)
            fresh.flush()

    with source.open("rb") as stream:
        root = add_file(store, stream).cid
    target = folder / "big.car"

    def export() -> None:
        with target.open("wb") as out:
            car.write([root], walk_closure(store.get, [root]), out)

    def verify() -> None:
        with target.open("rb") as stream:
            for _ in car.read(stream)[1]:
                pass

    compare("import 256 MiB", importing, hashing, "hashlib.sha256 of the file")
    compare(
        "read 256 MiB, verified", lambda: list(map(len, read_file(store, root))), hashing, "hashlib.sha256 of the file"
    )
    compare("export 256 MiB as CAR", export, hashing, "hashlib.sha256 of the file")
    compare("read that CAR, verified", verify, hashing, "hashlib.sha256 of the file")


def table_of_rows() -> None:
    """A table of 100,000 rows."""
    rows = [[hashlib.sha256(b"%d" % number).digest(), number % 5] for number in range(100_000)]
    blocks: dict[object, bytes] = {}
    build = lambda: tables.build(("sha256", "fold"), ("sha256",), rows, lambda cid, data: blocks.update({cid: data}))  # noqa: E731
    compare("build a table of 100,000 rows", build, lambda: sorted(rows), "sort the rows")


def start_up() -> None:
    """What a user waits for before anything happens."""

    def python(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)

    nothing = python("-c", "pass")
    compare("import registry", python("-c", "import registry"), nothing, "an empty Python")
    compare("emotionet --help", python("-m", "registry.cli.main", "--help"), nothing, "an empty Python")


def main() -> None:
    """All of them."""
    with tempfile.TemporaryDirectory(prefix="emotionet-bench-", dir=Path.cwd()) as folder:
        small_files(Path(folder))
        large_file(Path(folder))
    table_of_rows()
    start_up()


if __name__ == "__main__":
    main()
