"""`python -m bench stores`: blocks of stores elsewhere, asked for together and one by one, in the same minute.

A node (.tools/kubo) and a server (.tools/s3) on this machine, where a journey costs next to nothing; `--far` puts a
front before each that answers 5 ms later, as another building would.
"""

from __future__ import annotations

import argparse
import itertools
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.measure import compare, seconds
from registry.content.stores.kubo import KuboStore
from registry.content.stores.read_ahead import ReadAhead
from registry.content.stores.s3.bucket import Bucket
from registry.content.stores.s3.store import S3Store
from registry.content.unixfs.importer import add_bytes
from registry.content.unixfs.reader import read_whole
from registry.core.ipld.cid import CID, RAW, cid_of
from registry.core.ports.store import missing_from
from registry.workflows.training.run_context import image_reader
from tests.support.processes import s3
from tests.support.processes.kubo import find, kubo_node

IMAGES, BYTES = 200, 100_000
FILE = 24 << 20
FAR_SECONDS = 0.005


class OneByOne:
    """The same store, which is not known to answer many at once."""

    def __init__(self, store: KuboStore | S3Store) -> None:
        self.has, self.get = store.has, store.get


def measure(name: str, store: KuboStore | S3Store) -> None:
    """Reading images, reading a file of many blocks, and asking what is missing."""
    images = {os.urandom(32): add_bytes(store, os.urandom(BYTES)).cid for _ in range(IMAGES)}
    file = add_bytes(store, os.urandom(FILE)).cid
    store.flush()
    absent = [cid_of(os.urandom(32), RAW) for _ in range(IMAGES)]

    def timed(work: Callable[[Any], object], of: Any) -> Callable[[], float]:
        def run() -> float:
            store._ahead = ReadAhead()
            return seconds(lambda: work(of))

        return run

    def read_images(of: Any) -> None:
        read = image_reader(of, images)
        for one in images:
            read(one)

    def put(number: itertools.count[int]) -> Callable[[Any], object]:
        def run(_: Any) -> object:
            data = [f"{next(number)}".encode() * 100 for _ in range(IMAGES)]
            return store.put_many([(cid_of(one, RAW), one) for one in data])

        return run

    alone = OneByOne(store)
    pairs: dict[str, Callable[[Any], object]] = {
        f"{IMAGES} images": read_images,
        "a file of 24 MiB": lambda of: read_whole(of, file),
        f"which of {IMAGES} are missing": lambda of: missing_from(of, absent),
    }
    for what, work in pairs.items():
        compare(f"{name}: {what}", timed(work, store), timed(work, alone), "one by one")
    number = itertools.count()

    def asked_alone(_: Any) -> None:
        for _ in range(IMAGES):
            data = f"{next(number)}".encode() * 100
            cid: CID = cid_of(data, RAW)
            store.has(cid)
            store.put(cid, data)
        store.flush()

    compare(f"{name}: keep {IMAGES} blocks", timed(put(number), store), timed(asked_alone, store), "asked one by one")


def main(given: list[str]) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench stores")
    parser.add_argument("--far", action="store_true")
    far = parser.parse_args(given).far
    s3.LATE_SECONDS = FAR_SECONDS
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        away = ", 5 ms away" if far else ""
        with kubo_node(str(find()), folder / "kubo") as node:
            there = s3.S3(f"http://127.0.0.1:{node.port()}", folder)
            with s3.front_before(there) as front:
                front.plan = ["late"] * 100_000 if far else []
                measure(f"Kubo{away}", KuboStore(front.address if far else node.api))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with s3.s3_server(str(s3.find()), folder / "s3", port) as server, s3.front_before(server) as front:
            front.plan = ["late"] * 100_000 if far else []
            place = server.place(server.bucket(), front.address if far else None)
            measure(f"S3{away}", S3Store(Bucket(place), folder / "cache"))
