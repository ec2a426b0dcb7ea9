"""Our side of bench/training.py: a run's own jobs by its own worker, local engine and child processes.

``prepare PLACE RECIPE...``: import, snapshot, and of each recipe a run up to its draw; the folds of the first are
laid out as image files for the baseline. ``train PLACE RUN FOLD...``: those folds, side by side. Each prints one JSON
document.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image

from registry.assembly import Home
from registry.core.ipld.cid import CID
from registry.jobs.engines import Engine, Needs
from registry.jobs.queue import Job
from registry.jobs.worker import Check, Stopped, Worker
from registry.settings import read_settings


class TimedEngine:
    """An engine that remembers when each child began, said something and ended."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.shards = engine, engine.shards
        self.marks: dict[str, list[float]] = {}

    def run(
        self,
        kind: str,
        spec: Mapping[str, Any],
        folder: Path,
        needs: Needs,
        check: Check,
        report: Callable[[Mapping[str, Any]], None],
    ) -> dict[str, Any]:
        """As the engine itself."""
        marks = self.marks[folder.name] = [time.perf_counter()]

        def told(document: Mapping[str, Any]) -> None:
            if "epoch" in document:
                marks.append(time.perf_counter())
            report(document)

        result = self._engine.run(kind, spec, folder, needs, check, told)
        marks.append(time.perf_counter())
        return result


class TimedHome(Home):
    """A home with such an engine, whose worker does some of its folds only."""

    timed: TimedEngine | None = None

    def engine(self, name: str | None) -> Engine:
        """The one that is set up, timed."""
        self.timed = self.timed or TimedEngine(super().engine(name))
        return self.timed

    def worker_for(self, folds: list[int], engine: str = "local") -> Worker:
        """Stops at the first fold if none is wanted, and leaves out the others."""
        worker = self.worker()
        self.engine(engine)  # before folds ask for it from two threads at once
        real = worker._handlers["fold"]

        def fold(job: Job, check: Check) -> None:
            if not folds:
                worker.stopping.set()
                raise Stopped("prepared")
            if job.payload["fold"] in folds:
                real(job, check)

        worker._handlers = {**worker._handlers, "fold": fold}
        return worker


def open_place(place: Path) -> TimedHome:
    """The home below a bench's folder; children find it by the environment."""
    os.environ["EMOTIONET_HOME"] = str(place / "home")
    return TimedHome(read_settings())


def prepare(place: Path, recipes: list[str]) -> dict[str, Any]:
    """Everything that happens once a run: import, cleaning, plan, draw."""
    from registry.catalog.queries.training_runs import runs
    from registry.workflows.images.importing.import_source import import_source
    from registry.workflows.runs.start_run import Wanted, start_run
    from registry.workflows.snapshots.take_snapshot import take_snapshot

    home = open_place(place)
    import_source(home, str(place / "faces"))
    snapshot = CID.parse(take_snapshot(home)["snapshot"])
    found, seconds = [], []
    for recipe in recipes:
        run = start_run(home, snapshot, Wanted(recipe=recipe))
        begun = time.perf_counter()
        home.worker_for([]).work(run)
        seconds.append(time.perf_counter() - begun)
        with home.catalog.read() as db:
            row = runs.row(db, run)
        if not row["draw"]:
            raise SystemExit(f"the run was not prepared: {row['error']}")
        found.append(run)
    laid_out = lay_out(home, found[0], place / "files")
    home.close()
    return {"runs": found, "seconds": statistics.median(seconds), "laid_out": laid_out}


def lay_out(home: Home, run: str, folder: Path) -> dict[str, Any]:
    """The same folds as image files; the seconds of one fold's. Also how long our data set takes to be set up."""
    from pipeline.arguments import arguments_of
    from pipeline.workspace import yolo_boxes
    from registry.workflows.training import run_context
    from registry.workflows.training.train_fold import make_task

    work = run_context.work_folder(home, run)
    draw, seconds, tasks = CID.parse(run_context.load(home, run).row["draw"]), [], []
    for fold in range(int(run_context.load(home, run).values["folds"]["k"])):
        (work / f"fold-{fold}").mkdir(parents=True, exist_ok=True)
        tasks.append(task := make_task(home, draw, fold, work / f"fold-{fold}"))
        import numpy as np

        pixels, begun = np.load(task.array, mmap_mode="r"), time.perf_counter()
        place = folder / f"fold-{fold}"
        for part, names in (("train", task.train), ("val", task.validate)):
            (place / "images" / part).mkdir(parents=True)
            (place / "labels" / part).mkdir(parents=True)
            for name in names:
                Image.fromarray(pixels[task.index[name]]).save(place / "images" / part / f"{name.hex()}.png")
                boxes = "".join(f"{task.labels[name]} {x} {y} {w} {h}\n" for x, y, w, h in yolo_boxes(task, name))
                (place / "labels" / part / f"{name.hex()}.txt").write_text(boxes)
        listed = "".join(f"  {number}: {name}\n" for number, name in enumerate(task.classes))
        (place / "data.yaml").write_text(f"path: {place}\ntrain: images/train\nval: images/val\nnames:\n{listed}")
        seconds.append(time.perf_counter() - begun)
    ours = ("model", "data", "project", "name", "exist_ok", "channels_last", "plots", "amp", "workers", "verbose")
    given = {name: value for name, value in arguments_of(tasks[0]).items() if name not in ours}
    arguments = {**given, "project": str(folder / "runs"), "patience": 100}
    (folder / "spec.json").write_text(json.dumps({"folder": str(folder), "arguments": arguments}))
    return {"seconds": statistics.median(seconds), "train": len(tasks[0].train), "judged": len(tasks[0].validate)}


def train(place: Path, run: str, folds: list[int]) -> dict[str, Any]:
    """Some folds of a prepared run, and where their time went."""
    home = open_place(place)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    home.worker_for(folds).work(run)
    seconds = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert home.timed is not None
    marks = home.timed.marks
    home.close()
    if len(marks) != len(folds):
        raise SystemExit(f"of folds {folds} only {sorted(marks)} were trained")
    return {
        "seconds": seconds,
        "cpu": used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime,
        "memory": used.ru_maxrss << 10,  # of one fold's process
        "folds": [parts(one) for one in marks.values()],
    }


def parts(marks: list[float]) -> dict[str, float]:
    """A fold's seconds: epochs without a validation, the last one's validation, before the first and after the last.

    What the first epoch takes longer than the others counts as ``before``.
    """
    begun, *ends, over = marks
    each = [end - start for start, end in pairwise(ends[:-1])] or [0.0]  # the last one was judged too
    epoch = statistics.median(each)
    return {
        "seconds": over - begun,
        "epoch": epoch,
        "before": ends[0] - begun - epoch,
        "validation": max(0.0, ends[-1] - ends[-2] - epoch) if len(ends) > 1 else 0.0,
        "final": over - ends[-1],
    }


def main() -> None:
    """One of the two."""
    what, place, *rest = sys.argv[1:]
    if what == "prepare":
        document = prepare(Path(place), rest)
    else:
        document = train(Path(place), rest[0], [int(fold) for fold in rest[1:]])
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    main()
