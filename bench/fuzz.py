"""`python -m bench.fuzz [--seconds 60] [READER]`: coverage-guided fuzzing of what reads strangers' bytes, by atheris.

`pip install -e .[fuzz] -c constraints.txt` brings atheris. Each reader runs in a process of its own that may take
200 MB beside what Python and atheris take and ten seconds an input; anything but an error of the project's own ends
it with the input.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

BASE_MB = 250  # what the process has before the first input


def _readers() -> dict[str, tuple[Callable[[bytes], object], list[bytes]]]:
    """Each reader with some inputs to begin from."""
    from registry.content.car_import import import_car
    from registry.content.stores.memory import MemoryStore
    from registry.content.unixfs import importer, reader
    from registry.core.ipld import car, encoding, unixfs
    from registry.core.ipld.cid import CID, DAG_PB, cid_of
    from registry.core.ipld.dag import walk_closure
    from registry.core.ipld.dagpb import decode_node

    store = MemoryStore()
    leaf = importer.add_bytes(store, b"leaf", "unixfs-v0-2015")
    large = importer.add_bytes(store, bytes(2 << 20))
    plain = importer.add_directory(store, {"a": (leaf.cid, leaf.tsize), "b": (large.cid, large.tsize)})
    shard = importer.add_directory(store, {f"{n}{'n' * 240}": (leaf.cid, leaf.tsize) for n in range(1100)})
    stream = io.BytesIO()
    car.write([leaf.cid], walk_closure(store.get, [leaf.cid]), stream)
    nodes = [store.get(cid) for cid in (leaf.cid, large.cid, plain.cid, shard.cid)]

    def directory(data: bytes) -> object:
        known = MemoryStore()
        known._blocks = dict(store._blocks)
        cid = cid_of(data, DAG_PB)
        known.put(cid, data)
        list(islice(reader.read_file(known, cid), 1000)) if data[:1] == b"\x0a" else None
        return list(islice(reader.entries(known, cid), 5000))

    return {
        "cid": (lambda data: CID.decode(data), [bytes(leaf.cid), bytes(plain.cid)]),
        "cid-text": (lambda data: CID.parse(data.decode("utf-8", "replace")), [str(plain.cid).encode()]),
        "dag-pb": (decode_node, nodes),
        "unixfs": (lambda data: unixfs.decode_unixfs(decode_node(data)), nodes),
        "hamt": (directory, nodes),
        "car": (lambda data: import_car(MemoryStore(), io.BytesIO(data)), [stream.getvalue()]),
        "dag-cbor": (encoding.decode, [encoding.encode({"a": [1, b"x", plain.cid, None, True], "b": {"c": -1}})]),
    }


def _one(name: str, corpus: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["registry"]):
        readers = _readers()
    from registry.core.errors import EmotionetError

    read, seeds = readers[name]
    for number, seed in enumerate(seeds):
        (Path(corpus) / f"seed-{number}").write_bytes(seed)

    def once(data: bytes) -> None:
        try:
            read(data)
        except EmotionetError:
            return

    options = [f"-max_total_time={seconds}", f"-rss_limit_mb={BASE_MB + 200}", "-timeout=10", "-max_len=300000"]
    atheris.Setup([sys.argv[0], *options, corpus], once)
    atheris.Fuzz()


def main() -> None:
    """Every reader in turn, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", help=argparse.SUPPRESS)
    parser.add_argument("reader", nargs="?")
    wanted = parser.parse_args()
    if wanted.corpus:
        _one(wanted.reader, wanted.corpus, wanted.seconds)
        return
    for name in [wanted.reader] if wanted.reader else _readers():
        with tempfile.TemporaryDirectory() as corpus:
            command = [sys.executable, "-m", "bench.fuzz", name, "--seconds", str(wanted.seconds), "--corpus", corpus]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        last = [line for line in done.stderr.splitlines() if "DONE" in line or "exec/s" in line or "ERROR" in line]
        print(f"{name:10} {'ok' if done.returncode == 0 else 'FAILED'}  {last[-1].strip() if last else ''}", flush=True)
        if done.returncode:
            sys.exit(done.stderr[-4000:])


if __name__ == "__main__":
    main()
