"""`python -m bench cleaning`: cleaning with all its measures beside a plain Pillow loop, and how memory grows.

The plain loop decodes, letterboxes to 640 and saves PNG, one image after the other, as a script would; it measures
nothing. Ours measures, compares with all others, groups, and gives the pixels as one array, in a process with the
environment of a run's children (registry/jobs/child.py); starting either is not counted. ``--data DIR``: photographs
(DIR/images) instead of drawn faces. Memory: the same code on images that are made up as they are asked for, each number
of them in a process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from bench.drawn import draw
from bench.measure import compare, peak, seconds
from pipeline.method import YOLOv8
from registry.core.ports.method import Item
from registry.jobs.child import MALLOC

SIZE = 640
PICTURES = 64  # of faces that are perturbed below
SIDE = 48


def quiet(what: str, done: int, total: int) -> None:
    """A progress that nobody watches."""


def plain(files: Sequence[Path], target: Path | None) -> None:
    """What a script would do; without a target nothing is saved."""
    for path in files:
        with Image.open(path) as opened:
            image = ImageOps.pad(opened.convert("RGB"), (SIZE, SIZE), Image.Resampling.BILINEAR, (114, 114, 114))
        if target is not None:
            image.save(target / f"{path.stem}.png")


class Ours:
    """The method's own steps on the same files, at the size of emotionet-2023."""

    def __init__(self, files: Sequence[Path], place: Path) -> None:
        self._method = YOLOv8()
        _, self._values = self._method.recipe("emotionet-2023", {})
        self._paths = {hashlib.sha256(path.read_bytes()).digest(): path for path in files}
        self._items = [Item(sha256=one, label=0, subject=None, boxes=()) for one in self._paths]
        self._place, self._number = place, itertools.count()

    def _read(self, sha256: bytes) -> bytes:
        return self._paths[sha256].read_bytes()

    def clean(self) -> Any:
        """All measures, near-duplicates, groups, boxes."""
        rows = list(self._method.measure(self._items, self._read, self._values, quiet))
        return self._method.preprocess(self._items, rows, self._values)

    def clean_and_make(self) -> None:
        """The pixels too."""
        array = self._place / f"{next(self._number)}.npy"
        self._method.materialize(self.clean(), self._read, self._values, array, quiet)
        array.unlink()


def serve(place: Path) -> None:
    """Our side's process: the files' names come as JSON, then a line for each of its ways; each answer is seconds."""
    ours = Ours([Path(one) for one in json.loads(sys.stdin.readline())], place)
    for line in sys.stdin:
        print(seconds(ours.clean if line.strip() == "clean" else ours.clean_and_make), flush=True)


def speed(files: Sequence[Path], place: Path) -> None:
    """Both ways in turn."""
    (target := place / "png").mkdir()
    print(f"{len(files)} images, per {len(files)} images:")
    saving: Callable[[], float] = lambda: seconds(lambda: plain(files, target))  # noqa: E731
    only: Callable[[], float] = lambda: seconds(lambda: plain(files, None))  # noqa: E731
    command = [sys.executable, "-m", "bench.cleaning", "--serve", str(place)]
    with subprocess.Popen(
        command, env={**os.environ, **MALLOC}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        into, out = child.stdin, child.stdout

        def ask(line: str) -> str:
            into.write(f"{line}\n")
            into.flush()
            return out.readline()

        into.write(json.dumps([str(path) for path in files]) + "\n")
        clean: Callable[[], float] = lambda: float(ask("clean"))  # noqa: E731
        compare("clean", clean, saving, "Pillow, saving PNG")
        compare("clean, and the pixels as an array", lambda: float(ask("make")), saving, "Pillow, saving PNG")
        compare("clean", clean, only, "Pillow, saving nothing")
        into.close()


def made_up(number: int) -> None:
    """Clean so many images that are made up as they are asked for; prints what it took."""
    with tempfile.TemporaryDirectory() as name:
        draw(Path(name) / "faces", PICTURES // 4, SIDE)
        files = sorted((Path(name) / "faces" / "images").iterdir())
        faces = [np.asarray(Image.open(path).convert("RGB")) for path in files]
    method = YOLOv8()
    _, values = method.recipe("quick", {})
    values["preprocess"]["min_sharpness"] = 0  # small pictures
    items = [
        Item(sha256=hashlib.sha256(b"%d" % one).digest(), label=one % 4, subject=f"p{one % 5000}", boxes=())
        for one in range(number)
    ]

    def read(sha256: bytes) -> bytes:
        seed = int.from_bytes(sha256[:4], "big")
        patches = np.random.default_rng(seed).integers(0, 40, (6, 6, 1), np.uint8).repeat(8, 0).repeat(8, 1)
        face = np.roll(faces[seed % PICTURES], seed >> 8, (0, 1)) // 2 + patches + 40
        stream = io.BytesIO()
        Image.fromarray(face).save(stream, "BMP")
        return stream.getvalue()

    before, begun = peak(), time.perf_counter()
    rows = list(method.measure(items, read, values, quiet))
    looked, then = peak(), time.perf_counter()
    prepared = method.preprocess(items, rows, values)
    over, end = peak(), time.perf_counter()
    kept = sum(row.reason is None for row in prepared)
    document = {"images": number, "kept": kept, "before": before, "looked": looked, "over": over}
    print(json.dumps({**document, "measure": then - begun, "compare": end - then}), flush=True)


def memory(numbers: Sequence[int]) -> None:
    """Peaks of processes that cleaned so many images."""
    found = []
    for number in numbers:
        command = [sys.executable, "-m", "bench.cleaning", "--made-up", str(number)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        one = json.loads(done.stdout)
        found.append(one)
        print(
            f"{number:8} images, {one['kept']} kept: peak {one['over'] / 1e6:5.0f} MB "
            f"({one['before'] / 1e6:.0f} MB at the start, {one['looked'] / 1e6:.0f} MB after measuring), "
            f"measured in {one['measure']:.1f} s, compared in {one['compare']:.1f} s",
            flush=True,
        )
    if len(found) > 1:
        first, last = found[0], found[-1]
        print(f"an image more takes {(last['over'] - first['over']) / (last['images'] - first['images']):.0f} bytes")


def main(given: list[str] | None = None) -> None:
    """All of it."""
    parser = argparse.ArgumentParser(prog="bench cleaning", description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder with images/")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--memory", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--made-up", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args(given)
    if wanted.serve:
        serve(wanted.serve)
        return
    if wanted.made_up:
        made_up(wanted.made_up)
        return
    with tempfile.TemporaryDirectory(prefix="emotionet-bench-") as name:
        place = Path(name)
        if wanted.data is None:
            draw(place / "faces", -(-wanted.images // 4), 350)
        source = (wanted.data or place / "faces") / "images"
        speed(sorted(path for path in source.iterdir() if path.is_file())[: wanted.images], place)
    memory(wanted.memory)


if __name__ == "__main__":
    main()
