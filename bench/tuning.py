"""How `emotionet-2026` was chosen: settings compared on photographs that no published figure is judged on.

`python -m bench.tuning FULL JUDGED [--base FILE] [section.name=value,section.name=value ...]` takes the images of the
folder FULL whose person, bytes and looks do not occur in the folder JUDGED (both with labels.csv), draws two training
sets of as many images as four of five folds of JUDGED have, evenly of each class and by person, trains on each, and
judges all images of other persons: several hundred, so that a difference of some hundredths can be seen, which 159
images can't show.
Nothing of JUDGED is trained on or looked at but its persons and hashes. Each argument is one experiment: what is
set over the recipe's values ("" for nothing); the same weights are judged plainly and averaged with mirror images.
"""

from __future__ import annotations

import argparse
import copy
import csv
import functools
import hashlib
import json
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.method import YOLOv8
from pipeline.resize import Letterbox
from pipeline.weights import load_weights
from pipeline.yolo.model import infer, load_model
from registry.core.ports.method import Detection, FoldTask, Item
from registry.evaluation.figures import metrics
from registry.evaluation.input.reading import columns_of

CLASSES = ("triste", "sorprendido", "feliz", "enojado")
TRAINED_ON = 127  # images: four of five folds of 159
SETS = 2


def read_folder(folder: Path) -> tuple[list[Item], dict[bytes, bytes]]:
    """Items without boxes, and their bytes by sha256."""
    items, data = {}, {}
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            path = folder / "images" / row["file"]
            content = path.read_bytes() if path.is_file() else b""
            sha256 = hashlib.sha256(content).digest()
            if row["label"] in CLASSES and content:
                items[sha256] = Item(
                    sha256=sha256, label=CLASSES.index(row["label"]), subject=row["subject"] or None, boxes=()
                )
                data[sha256] = content
    return list(items.values()), data


def strangers(recipe: dict[str, Any], full: Path, judged: Path) -> tuple[Any, Any, Any]:
    """Kept rows of FULL that share no person, bytes or looks with JUDGED; labels; bytes."""
    mine, data = read_folder(full)
    others, other_data = read_folder(judged)
    known, method = {item.sha256 for item in others}, YOLOv8()
    together = {item.sha256: item for item in (*mine, *others)}
    data = {**other_data, **data}
    rows = list(method.measure(list(together.values()), data.__getitem__, recipe, lambda *_: None))
    prepared = method.preprocess(list(together.values()), rows, recipe)
    shared = {row.group for row in prepared if row.sha256 in known}
    kept = [row for row in prepared if row.reason is None and row.group not in shared]
    return kept, {one.sha256: one.label for one in together.values()}, data


def draw(kept: list[Any], labels: dict[bytes, int], number: int) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Images to train on, as evenly of each class as persons allow, and all images of other persons."""
    groups: dict[bytes, list[bytes]] = {}
    for row in kept:
        groups.setdefault(row.group, []).append(row.sha256)
    order = sorted(groups)
    random.Random(number).shuffle(order)
    wanted = dict.fromkeys(range(len(CLASSES)), TRAINED_ON // len(CLASSES) + 1)
    train: list[bytes] = []
    trained: set[bytes] = set()
    for name in order:
        members = [one for one in groups[name] if wanted[labels[one]] > 0][:2]  # a person twice at most
        if members and len(train) < TRAINED_ON:
            trained.add(name)
            train += members
            for one in members:
                wanted[labels[one]] -= 1
    rest = [one for name in order if name not in trained for one in groups[name]]
    return tuple(sorted(train)), tuple(sorted(rest))


def train(job: tuple[FoldTask, str]) -> dict[str, Any]:
    """One training, and its figures on all images that it may be judged on."""
    task, name = job
    outcome = YOLOv8().train_fold(task, lambda _: None)
    model = load_model(*load_weights(outcome.weights)[:3], threads=1)
    pixels, floor = np.load(task.array, mmap_mode="r"), float(task.recipe["evaluation"]["floor"])
    size = pixels.shape[1]
    figures: dict[str, float] = {}
    for mirrored in (False, True):
        found = {
            row.sha256: infer(
                [model],
                pixels[task.index[row.sha256]],
                Letterbox(row.width, row.height, size),
                floor,
                mirrored=mirrored,
            )
            for row in (task.rows[sha256] for sha256 in task.validate)
        }
        figures |= {f"mirrored_{one}" if mirrored else one: value for one, value in judge(task, found).items()}
    told = {"trained": len(task.train), "judged": len(task.validate), "epochs": len(outcome.history)}
    loss = sum(float(value) for one, value in outcome.history[-1][1].items() if one.startswith("train/"))
    return {"set": name, **figures, **told, "loss": round(loss, 3)}


def judge(task: FoldTask, found: Mapping[bytes, tuple[Detection, ...]]) -> dict[str, float]:
    """The registry's own figures."""
    rows = [
        {
            "sha256": sha256,
            "fold": 0,
            "truth": task.labels[sha256],
            "boxes": [list(box) for box in task.rows[sha256].boxes],
            "detections": [list(one) for one in detections],
        }
        for sha256, detections in found.items()
    ]
    columns = columns_of(rows, len(CLASSES))
    counts = metrics.confusion_of(columns, int(float(task.recipe["evaluation"]["threshold"]) * 1e6))
    return {
        "macro_f1": round(float(metrics.macro_f1(counts) or 0), 4),
        "pr_auc": round(float(metrics.pr_auc(columns) or 0), 4),
        "map50": round(float(metrics.mean_average_precision(columns, (50,)) or 0), 4),
    }


def with_settings(recipe: dict[str, Any], settings: str) -> dict[str, Any]:
    """A recipe with ``section.name=value,...`` over its values, checked."""
    recipe = copy.deepcopy(recipe)
    for setting in settings.split(",") if settings else ():
        place, _, value = setting.partition("=")
        section, _, key = place.partition(".")
        old = recipe[section][key]
        recipe[section][key] = value == "true" if isinstance(old, bool) else type(old)(value)
    recipe["training"]["imgsz"] = recipe["preprocess"]["size"]
    YOLOv8().read_recipe(YOLOv8.recipe_version, recipe)
    return recipe


def main(arguments: list[str]) -> None:
    """Print one line of figures an experiment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("full", type=Path)
    parser.add_argument("judged", type=Path)
    parser.add_argument("--recipe", default="emotionet-2026")
    parser.add_argument("--base", type=Path)
    parser.add_argument("--sets", type=int, default=SETS)
    parser.add_argument("experiments", nargs="*", default=[""])
    given = parser.parse_intermixed_args(arguments)
    method = YOLOv8()
    _, recipe = method.recipe(given.recipe, {})
    base = method.read_base(given.base) if given.base else None
    with tempfile.TemporaryDirectory(prefix="emotionet-tuning-") as folder:
        looked = functools.cache(lambda settings: strangers(with_settings(recipe, settings), given.full, given.judged))
        for settings in given.experiments:
            values = with_settings(recipe, settings)
            cleaned = looked(",".join(one for one in settings.split(",") if one.startswith("preprocess.")))
            jobs = jobs_of(values, cleaned, base, given.sets, Path(tempfile.mkdtemp(dir=folder)))
            started = time.monotonic()
            with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
                found = list(pool.map(train, jobs))
            names = [name for name, value in found[0].items() if isinstance(value, float)]
            means = {name: round(float(np.mean([one[name] for one in found])), 4) for name in names}
            seconds = round(time.monotonic() - started)
            line = {"settings": settings, "base": bool(given.base), **means, "sets": found, "seconds": seconds}
            print(json.dumps(line), flush=True)


def jobs_of(
    recipe: dict[str, Any], cleaned: tuple[Any, Any, Any], base: dict[str, bytes] | None, sets: int, folder: Path
) -> list[tuple[FoldTask, str]]:
    """One training a set."""
    kept, labels, data = cleaned
    array = folder / "pixels.npy"
    index = YOLOv8().materialize(kept, data.__getitem__, recipe, array, lambda *_: None)
    jobs = []
    for number in range(sets):
        train_on, judged = draw(kept, labels, number)
        task = FoldTask(
            fold=number,
            seed=int(recipe["seed"]),
            recipe=recipe,
            classes=CLASSES,
            array=array,
            index=index,
            rows={row.sha256: row for row in kept},
            labels=labels,
            train=train_on,
            validate=judged,
            base=base,
            workdir=folder / f"set-{number}",
        )
        jobs.append((task, str(number)))
    return jobs


if __name__ == "__main__":
    main(sys.argv[1:])
