"""`python -m bench evaluation [--images N] [--rounds N]`: seconds and memory of audit level 6's whole computation.

A process of its own makes up a release's records in a block store: images of four classes and twelve groups, one in ten
a near-duplicate of another, five folds; a box an image, one to three detections with scores in millionths. Then what
the audit does is measured: every table is read from the store (each block hashed again) and every figure computed.
Memory is the most that this process has held, Python and this program included.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import peak, seconds
from registry.cli.main import COLLECT
from registry.content.stores.embedded import EmbeddedStore
from registry.core import records
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from registry.core.table import tables
from registry.evaluation import evaluate
from registry.evaluation.fairness import fairness
from registry.evaluation.figures import curves
from registry.provenance.release_view import evaluate_draw

CLASSES, GROUPS, FOLDS = ("triste", "sorprendido", "feliz", "enojado"), 12, 5
PARTS: tuple[tuple[str, Any, str], ...] = (
    ("predictions read, checked, matched", evaluate, "columns_of"),
    ("figures with intervals, pooled and by fold", evaluate, "figures"),
    ("fairness", fairness, "by_attributes"),
    ("curves", curves, "all_curves"),
)


def rows_of(images: int) -> Iterator[tuple[list[Any], list[Any], list[Any]]]:
    """Of each image its rows of SNAPSHOT_ITEMS, PREPARED and PREDICTIONS."""
    random = np.random.Generator(np.random.PCG64(1))
    before = b""
    for number in range(images):
        key = hashlib.sha256(number.to_bytes(8, "big")).digest()
        truth, fold, many, kin = random.integers([4, FOLDS, 3, 10]).tolist()
        box, found = _boxes(random, truth, many + 1)
        image, attributes = CID.v1(RAW, key), {"group": f"g{key[0] % GROUPS}"}
        group = min(key, before) if kin == 0 and before else key
        yield (
            [key, image, 50_000, CLASSES[truth], ["did:key:somebody"], None, attributes, "CC-BY-4.0", [box], {}, {}],
            [key, 640, 640, key, [box], "given", group, None, None],
            [key, fold, truth, [box], found],
        )
        before = key


def _boxes(random: np.random.Generator, truth: int, many: int) -> tuple[list[int], list[list[int]]]:
    """A true box, and detections near it, most of them right."""
    x, y, w, h, *moved = random.integers(1000, 9000, 4 + 4 * many).tolist()
    luck = random.random(2 * many).tolist()
    found = []
    for place in range(many):
        kind = truth if luck[2 * place] < 0.7 else int(luck[2 * place] * 1000) % 4
        shift = [one // 9 - 500 for one in moved[4 * place : 4 * place + 4]]
        box = [x + shift[0], y + shift[1], w + abs(shift[2]), h + abs(shift[3])]
        found.append([kind, int(luck[2 * place + 1] ** 0.5 * 1_000_000), *box])
    found.sort(key=lambda one: (-one[1], one))
    return [x, y, w, h], found


def make(store: EmbeddedStore, images: int, rounds: int) -> tuple[CID, CID]:
    """A draw and its predictions, with all that they rest on."""

    def keep(record: records.Record) -> CID:
        data = records.encode(record)
        store.put(cid := cid_of(data, DAG_CBOR), data)
        return cid

    kinds = (records.SNAPSHOT_ITEMS, records.PREPARED, records.PREDICTIONS)
    rows = zip(*rows_of(images), strict=True)
    items, prepared, predictions = (tables.build(kind, some, store.put) for kind, some in zip(kinds, rows, strict=True))
    nothing = tables.build(records.EXCLUDED, [], store.put)
    judged = {"threshold": "0.25", "threshold_rule": "other_folds", "floor": "0.01", "rounds": rounds, "min_group": 30}
    recipe = keep(
        records.Recipe(name="bench", method="none", version=1, values={"folds": {"k": FOLDS}, "evaluation": judged})
    )
    snapshot = records.Snapshot(
        items=items, count=images, classes=CLASSES, query={}, rule="none", contributions=(), excluded=nothing
    )
    plan = records.Plan(
        preprocessing=keep(records.Preprocessing(snapshot=keep(snapshot), recipe=recipe, output=prepared)),
        method=records.MethodRef(
            id="none", version="0", licence="none", library=None, task="none", losses=records.LossNames()
        ),
        recipe=recipe,
        code="",
        environment=keep(records.Environment(values={})),
        base=None,
        seed=2023,
        metrics=(),
        groups=("group",),
        claims=(),
        final="fold:0",
    )
    draw = keep(records.Draw(plan=keep(plan), beacons=(), seed=bytes(32), folds=nothing))
    store.flush()
    return draw, predictions


def timed(spent: dict[str, float]) -> None:
    """Have each of PARTS add its seconds."""

    def wrapped(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            begin = time.perf_counter()
            try:
                return work(*given, **named)
            finally:
                spent[name] += time.perf_counter() - begin

        return call

    for name, module, function in PARTS:
        spent[name] = 0.0
        setattr(module, function, wrapped(name, getattr(module, function)))


def measure(store: EmbeddedStore, draw: CID, predictions: CID) -> None:
    """Seconds of all and of each part, and the most memory held."""
    spent: dict[str, float] = {}
    gc.set_threshold(*COLLECT)  # as the command does
    timed(spent)
    before, begin = peak(), time.process_time()
    taken = seconds(lambda: evaluate_draw(store.get, draw, predictions, ()))
    used = time.process_time() - begin
    for name, one in spent.items():
        print(f"  {one:6.1f} s  {name}")
    print(f"  {taken - sum(spent.values()):6.1f} s  the rest: attributes and groups read, thresholds, notes")
    print(f"whole evaluation: {taken:.1f} s ({used:.1f} s of all cores together)")
    print(f"memory at most: {peak() / 1e9:.2f} GB ({before / 1e9:.2f} GB before)")


def main(arguments: Sequence[str]) -> None:
    """The figures."""
    parser = argparse.ArgumentParser(prog="bench evaluation", description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args(arguments)
    if wanted.make:
        print(*make(EmbeddedStore(wanted.make), wanted.images, wanted.rounds))
        return
    with tempfile.TemporaryDirectory(prefix="emotionet-bench-") as name:
        own = [sys.executable, "-m", "bench.evaluation", *arguments, "--make", name]
        made = subprocess.run(own, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        load = os.getloadavg()[0]
        print(
            f"{wanted.images} images, {wanted.rounds} rounds, {GROUPS} groups, {FOLDS} folds (load {load:.1f}):",
            flush=True,
        )
        measure(EmbeddedStore(Path(name)), *map(CID.parse, made))


if __name__ == "__main__":
    main(sys.argv[1:])
