"""`python -m bench importing [--old TREE] [COUNT ...]`: `emotionet import` of folders of small pictures, each its own.

Wall and processor seconds and the most memory of a command of the shell, by the number of files. With ``--old`` (a
checked-out tree of another version, whose dependencies are installed here) that one does the same in turn.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
LABELS = ("triste", "feliz", "enojado")


def small_pictures(folder: Path, count: int) -> None:
    """JPEGs of 16 x 16 pixels of noise, 800 bytes each, and their table."""
    from PIL import Image

    (folder / "images").mkdir(parents=True)
    with (folder / "labels.csv").open("w", encoding="utf-8") as table:
        table.write("file,label,contributor\n")
        for number in range(count):
            pixels = random.Random(number).randbytes(768)
            Image.frombytes("RGB", (16, 16), pixels).save(folder / "images" / f"{number:07}.jpg", quality=80)
            table.write(f"{number:07}.jpg,{LABELS[number % 3]},person {number % 7}\n")


def imported(tree: Path, folder: Path, home: Path) -> tuple[float, float, int]:
    """Wall seconds, processor seconds and bytes of memory of one import by that tree."""
    environment = {**os.environ, "EMOTIONET_HOME": str(home), "PYTHONPATH": str(tree)}
    command = [sys.executable, "-P", "-m", "registry.cli.main", "import", str(folder), "--quiet"]
    begun = time.perf_counter()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, cwd=tree, stdout=quiet, stderr=quiet)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the import ended with {process.returncode}")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss << 10


def main(given: list[str] | None = None) -> None:
    """A line a count and tree."""
    parser = argparse.ArgumentParser(prog="bench importing", description=__doc__)
    parser.add_argument("counts", type=int, nargs="*", default=[10_000, 30_000, 100_000])
    parser.add_argument("--old", type=Path, help="another version's tree, for the ratio")
    wanted = parser.parse_args(given)
    trees = [ROOT, *([wanted.old.resolve()] if wanted.old else [])]
    for count in wanted.counts:
        with tempfile.TemporaryDirectory(prefix="emotionet-bench-") as name:
            small_pictures(Path(name) / "files", count)
            found = []
            for number, tree in enumerate(trees):
                wall, cpu, memory = imported(tree, Path(name) / "files", Path(name) / f"home{number}")
                found.append((wall, cpu))
                print(f"{count:7} files: {wall:6.1f} s, processor {cpu:6.1f} s, {memory >> 20} MiB  {tree}", flush=True)
        if len(found) == 2:
            (wall, cpu), (old_wall, old_cpu) = found
            print(f"{count:7} files: {old_wall / wall:.2f} times as fast, by processor {old_cpu / cpu:.2f}", flush=True)
