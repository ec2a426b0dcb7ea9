"""`python -m bench.evaluation [--images N] [--rounds N]`: seconds and memory of a whole evaluation.

Made-up predictions of four classes and twelve groups: a box an image, one to three detections with scores in
millionths, five folds, each image its own person. Reading them from a table's blocks is timed apart (``--table``). The
rows stand in memory while they are judged, as they do in a run; the peak counts everything, this program included.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import sys
import time
from typing import Any

import numpy as np

from bench.measure import seconds
from registry.core import records, tables
from registry.core.cid import CID
from registry.evaluation.evaluate import evaluate
from registry.evaluation.thresholds import ThresholdRule

CLASSES, GROUPS = ("triste", "sorprendido", "feliz", "enojado"), 12


def predictions(images: int) -> list[dict[str, Any]]:
    """Rows of PREDICTIONS, by sha256 as a table gives them."""
    random = np.random.Generator(np.random.PCG64(1))
    keys = sorted(hashlib.sha256(number.to_bytes(8, "big")).digest() for number in range(images))
    truth, fold, many = random.integers(4, size=images), random.integers(5, size=images), random.integers(1, 4, images)
    numbers = zip(keys, fold.tolist(), truth.tolist(), many.tolist(), strict=True)
    return [_row(random, *one) for one in numbers]


def _row(random: np.random.Generator, key: bytes, fold: int, truth: int, many: int) -> dict[str, Any]:
    x, y, w, h, *moved = random.integers(1000, 9000, 4 + 4 * many).tolist()
    luck = random.random(2 * many).tolist()
    found = []
    for place in range(many):
        kind = truth if luck[2 * place] < 0.7 else int(luck[2 * place] * 1000) % 4
        shift = [one // 9 - 500 for one in moved[4 * place : 4 * place + 4]]
        box = [x + shift[0], y + shift[1], w + abs(shift[2]), h + abs(shift[3])]
        found.append([kind, int(luck[2 * place + 1] ** 0.5 * 1_000_000), *box])
    found.sort(key=lambda one: (-one[1], one))
    return {"sha256": key, "fold": fold, "truth": truth, "boxes": [[x, y, w, h]], "detections": found}


def peak() -> float:
    """Most memory that this process has held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main(arguments: list[str]) -> None:
    """The figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--table", action="store_true", help="also time building and reading the table")
    wanted = parser.parse_args(arguments)
    rows = predictions(wanted.images)
    names = [{"group": f"g{number}"} for number in range(GROUPS)]
    attributes = {row["sha256"]: names[row["sha256"][0] % GROUPS] for row in rows}
    print(f"{wanted.images} rows made: {peak():.2f} GB", flush=True)
    if wanted.table:
        _table(rows)

    rule = ThresholdRule("fixed", 250_000, 0, 5)
    fixed: dict[str, Any] = {"threshold": rule, "final": "fold:0", "histories": (), "claims": (), "clusters": {}}
    fixed |= {"groups": ("group",), "attributes": attributes, "rounds": wanted.rounds, "min_group": 30, "seed": 2023}
    begin = time.process_time()
    taken = seconds(lambda: evaluate(rows, classes=CLASSES, **fixed))
    spent = time.process_time() - begin
    print(f"evaluated, {wanted.rounds} rounds, {GROUPS} groups: {taken:.1f} s ({spent:.1f} s of all cores together)")
    print(f"memory at most: {peak():.2f} GB")


def _table(rows: list[dict[str, Any]]) -> None:
    blocks: dict[CID, bytes] = {}
    columns, key = records.PREDICTIONS
    as_lists = [[row[name] for name in columns] for row in rows]
    root: list[CID] = []
    built = seconds(lambda: root.append(tables.build(columns, key, as_lists, blocks.__setitem__)))
    read = seconds(lambda: sum(1 for _ in tables.rows_as_dicts(root[0], blocks.__getitem__)))
    print(f"table built in {built:.1f} s, read in {read:.1f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
