"""`python -m bench hostile [--rows N] [--node NODE]`: hostile releases, each to be answered in 10 s and 500 MB.

Makes a file of each kind of tests/hostile, with N predictions (1,000,000 unless stated; a million rows are 90 MB), and
asks `emotionet audit` and the verifier of /verify (under node) about each, in a process of its own. Printed: seconds,
processor seconds, the most memory, and the answer: the first check that fails.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.watched import Run, watched
from tests.hostile.kinds import KINDS, made, of_rows
from tests.support.forgery import simulated_release
from tests.support.verifier import RELEASES, verifier_script

SECONDS, MEMORY = 10.0, 500_000_000
_SHOWN = 70


def _answer(run: Run) -> str:
    """The first check that fails; of what gave no document what it printed."""
    try:
        checks = json.loads(run.output)["checks"]
    except (ValueError, KeyError):
        return f"NO ANSWER (exit {run.status}): {run.output[-_SHOWN:]}"
    failed = [f"{one['id']}: {one['reason']}" for one in checks if one["result"] == "does not hold"]
    return (failed or ["nothing fails"])[0][:_SHOWN]


def _line(who: str, run: Run) -> bool:
    within = run.processor <= SECONDS and run.memory <= MEMORY and not _answer(run).startswith("NO ANSWER")
    print(
        f"  {who:7} {run.seconds:6.1f} s  {run.processor:6.2f} s of processor  {run.memory / 1e6:5.0f} MB  "
        f"{'' if within else 'OVER  '}{_answer(run)}",
        flush=True,
    )
    return within


def main(arguments: Sequence[str]) -> None:
    """Print it; exit 1 where something is over the bounds."""
    parser = argparse.ArgumentParser(prog="bench hostile", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--node", default=shutil.which("node"))
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args(arguments)
    kept, kinds = True, KINDS | of_rows(wanted.rows)
    if wanted.make:
        with simulated_release(wanted.make / "honest") as release:
            made(release, wanted.make, kinds)
        return
    with tempfile.TemporaryDirectory(prefix="emotionet-hostile-") as name:
        folder = Path(name)
        own = [sys.executable, "-m", "bench.hostile", *arguments, "--make", name]
        subprocess.run(own, check=True)  # elsewhere: what this process has held, its children seem to hold
        home = {"EMOTIONET_HOME": str(folder / "none")}
        for number, kind in enumerate(kinds):
            path = folder / f"{number}.car"
            print(f"{kind}, {path.stat().st_size / 1e6:.1f} MB")
            audit = [sys.executable, "-m", "registry.cli.main", "audit", str(path), "--offline", "--json"]
            kept &= _line("audit", watched(audit, home))
            kept &= _line("/verify", watched([wanted.node, str(RELEASES), str(verifier_script()), str(path)]))
    sys.exit(not kept)


if __name__ == "__main__":
    main(sys.argv[1:])
