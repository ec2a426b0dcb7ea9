"""`python -m bench scaling`: folds a minute on one and on two Ray nodes, and how the cost grows with the images.

Nodes: a real Ray on the loopback, one processor each, a head that computes nothing; four folds of 15 epochs at 160 px.
Growth: folders of photographs (``--data DIR...``, each with labels.csv and images/): cleaning, plan and draw, and one
epoch of one fold of five at 160 px; beside it what `train --dry-run` said. Each measurement is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.drawn import draw
from bench.own_folds import TimedHome, open_place
from bench.training import call
from registry.core.ipld.cid import CID
from registry.workflows.runs.start_run import Wanted, start_run

EPOCH = {"epochs": 1, "imgsz": 160, "batch": 16, "folds": 5}
SHORT = {"epochs": 15, "imgsz": 160, "batch": 8, "folds": 4}  # long enough that starting is not what is measured


def taken_in(home: TimedHome, source: Path) -> tuple[CID, float]:
    """A snapshot of a folder's images, and the seconds that it took."""
    from registry.workflows.images.importing.import_source import import_source
    from registry.workflows.snapshots.take_snapshot import take_snapshot

    begun = time.perf_counter()
    import_source(home, str(source))
    return CID.parse(take_snapshot(home)["snapshot"]), time.perf_counter() - begun


def nodes(place: Path, number: int) -> dict[str, Any]:
    """Four folds on so many nodes: from the first one's begin to the last one's end."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    home = open_place(place)
    snapshot, _ = taken_in(home, place / "faces")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(number):
        cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    os.environ["EMOTIONET_RAY_ADDRESS"] = cluster.address
    home.close()
    home = open_place(place)
    run = start_run(home, snapshot, Wanted("quick", overrides=SHORT, engine="ray"))
    home.worker_for(list(range(SHORT["folds"])), "ray").work(run)
    assert home.timed is not None
    marks = [times for name, times in home.timed.marks.items() if name.startswith("fold")]
    seconds = max(times[-1] for times in marks) - min(times[0] for times in marks)
    ray.shutdown()
    cluster.shutdown()  # type: ignore[no-untyped-call]
    return {"folds": len(marks), "seconds": seconds}


def growth(place: Path, source: Path) -> dict[str, Any]:
    """One folder of photographs: taken in, cleaned, planned, drawn; one epoch of its first fold."""
    from registry.catalog.queries.training_runs import runs
    from registry.workflows.runs.estimate_run import estimate_run

    home = open_place(place)
    snapshot, imported = taken_in(home, source)
    wanted = Wanted("emotionet-2023", overrides=EPOCH)
    estimate = estimate_run(home, snapshot, wanted)
    run = start_run(home, snapshot, wanted)
    begun = time.perf_counter()
    home.worker_for([]).work(run)
    prepared = time.perf_counter() - begun
    with home.catalog.read() as db:
        row = runs.row(db, run)
    home.close()
    trained = call("bench.own_folds", "train", str(place), run, "0")
    return {
        "images": row["kept"] + sum(row["dropped"].values()),
        "kept": row["kept"],
        "imported": imported,
        "prepared": prepared,
        "estimate": estimate,
        "trained": trained,
        "disk": sum(path.stat().st_size for path in (place / "home").rglob("*") if path.is_file()),
    }


def tell(found: dict[str, Any]) -> None:
    """A folder's line, and the estimate's."""
    estimate, trained = found["estimate"], found["trained"]
    print(
        f"{found['images']:6} images ({found['kept']} kept): import {found['imported']:.1f} s, cleaning, plan, draw "
        f"{found['prepared']:.1f} s ({1000 * found['prepared'] / found['images']:.1f} ms an image), "
        f"a fold of one epoch in {trained['seconds']:.1f} s, "
        f"of which {trained['folds'][0]['final']:.1f} s for judging, "
        f"home {found['disk'] / 1e6:.0f} MB\n"
        f"       --dry-run had said: {estimate['seconds_a_training']} s a training, {estimate['seconds']} s in all, "
        f"{estimate['memory'] / estimate['side_by_side'] / 1e6:.0f} MB a fold (held {trained['memory'] / 1e6:.0f} MB), "
        f"{estimate['disk'] / 1e6:.0f} MB on disk",
        flush=True,
    )


def main(given: list[str] | None = None) -> None:
    """All of it."""
    parser = argparse.ArgumentParser(prog="bench scaling", description=__doc__)
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="folders of photographs, smallest first")
    parser.add_argument("--nodes", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    wanted = parser.parse_args(given)
    if wanted.one:
        what, argument = wanted.one
        place = Path(os.environ["BENCH_PLACE"])
        document = nodes(place, int(argument)) if what == "nodes" else growth(place, Path(argument))
        print(json.dumps(document), flush=True)
        return
    tasks = [("nodes", str(one)) for one in wanted.nodes] + [("growth", str(one)) for one in wanted.data]
    for what, argument in tasks:
        with tempfile.TemporaryDirectory(prefix="emotionet-bench-", ignore_cleanup_errors=True) as name:
            os.environ["BENCH_PLACE"] = name
            if what == "nodes":
                draw(Path(name) / "faces", 10, 200)
            found = call("bench.scaling", "--one", what, argument)
        if what == "nodes":
            speed = 60 * found["folds"] / found["seconds"]
            took = f"{found['folds']} folds in {found['seconds']:.1f} s"
            print(f"{argument} Ray nodes: {took}, {speed:.1f} a minute", flush=True)
        else:
            tell(found)


if __name__ == "__main__":
    main(sys.argv[1:])
