"""`python -m bench audit [FOLDER] [--images N] [--size BYTES] [--rounds N]`: levels 1 to 4 and 6 beside their baseline.

The release has N images (10,000) of BYTES each (1,000) and five folds, by the tests' simulated method; it is made once
a FOLDER. The baseline is sha256 over the CAR and each of its dag-cbor blocks decoded once by the same strict decoder,
in a process that already runs. An audit is a process of its own: the start of Python and what it imports are printed
beside it, measured on a file that holds nothing. Processor seconds are what to compare on a machine that others use.
``--file`` measures another release.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.large_release import large_release
from bench.watched import Run, watched
from registry.core.ipld import car, encoding
from registry.core.ipld.cid import DAG_CBOR
from tests.support.forgery import PLUGIN


def baseline(path: Path) -> tuple[float, float]:
    """Processor seconds of sha256 over the file, and of decoding its cbor."""
    begin = time.process_time()
    hashlib.sha256(path.read_bytes()).digest()
    hashed = time.process_time() - begin
    with path.open("rb") as stream:
        blocks = [data for cid, data in car.read_raw(stream)[1] if cid.codec == DAG_CBOR]
    begin = time.process_time()
    for data in blocks:
        encoding.decode(data)
    return hashed, time.process_time() - begin


def _audit(path: Path, home: Path) -> Run:
    command = [sys.executable, "-m", "registry.cli.main", "audit", str(path), "--offline", "--json"]
    run = watched(command, {"EMOTIONET_HOME": str(home), "PYTHONPATH": str(PLUGIN), "OPENBLAS_NUM_THREADS": "1"})
    if not run.output.startswith("{"):
        raise SystemExit(f"the audit gave no document: {run.output[:200]}")
    return run


def measure(path: Path, rounds: int) -> None:
    """Baseline and audit in turn; medians, and the ratio."""
    with tempfile.TemporaryDirectory(prefix="emotionet-audit-bench-") as name:
        empty = Path(name) / "empty.car"
        empty.write_bytes(b"\x3a\xa2eroots")  # which is cut off
        _audit(path, Path(name))  # what is compiled, once
        bases, audits, starts = [], [], []
        for _ in range(rounds):
            bases.append(baseline(path))
            audits.append(_audit(path, Path(name)))
            starts.append(_audit(empty, Path(name)))
    hashed, decoded = (statistics.median(part) for part in zip(*bases, strict=True))
    used, start = (statistics.median(one.processor for one in some) for some in (audits, starts))
    base = hashed + decoded
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB; {rounds} rounds, medians of processor seconds")
    print(f"  baseline  {base:6.3f}   sha256 {hashed:.3f}, cbor {decoded:.3f}")
    print(f"  audit     {used:6.3f}   of which the start of Python and imports {start:.3f}")
    print(f"  ratio     {used / base:6.1f}   without the start {(used - start) / base:.1f}")
    print(f"  wall      {statistics.median(one.seconds for one in audits):6.1f} s")
    print(f"  memory    {max(one.memory for one in audits) / 1e6:6.0f} MB at most")


def main(arguments: Sequence[str]) -> None:
    """The figures."""
    parser = argparse.ArgumentParser(prog="bench audit", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(tempfile.gettempdir()) / "emotionet-bench-audit")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--file", type=Path)
    wanted = parser.parse_args(arguments)
    measure(wanted.file or large_release(wanted.folder, wanted.images, wanted.size), wanted.rounds)
