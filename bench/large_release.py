"""A release of many tiny images and five folds, by the tests' simulated method, made once a folder in its own home.

Its figures are computed as of any release: 2,000 rounds, four classes, two attributes, persons with several images, a
few detections an image, a threshold that the other folds choose.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from registry.core.ipld.cid import CID
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from tests.support.forgery import opened_home

FOLDS, GROUPS, PERSON = 5, 12, 4  # images of a person
LABELS = ("triste", "sorprendido", "feliz", "enojado")
RECIPE = {
    "more": 2,
    "evaluation": {"threshold": "0.10", "threshold_rule": "other_folds", "rounds": 2000, "min_group": 10},
}


def images(folder: Path, count: int, size: int) -> Path:
    """Files of ``size`` bytes, no two alike, with their labels.csv."""
    folder.mkdir(parents=True)
    drawn = random.Random(1)
    lines = ["file,label,contributor,subject,attr.group,attr.side"]
    for number in range(count):
        name = f"{number}.jpg"
        (folder / name).write_bytes(number.to_bytes(8, "big") + drawn.randbytes(size - 8))
        label, group = drawn.choices(LABELS, (4, 1, 3, 2))[0], number // PERSON % GROUPS
        lines.append(f"{name},{label},person {number % 50},{number // PERSON},g{group},{drawn.choice('lr')}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def large_release(folder: Path, count: int, size: int) -> Path:
    """The release's CAR, which is kept in ``folder``."""
    made = folder / f"release-{count}-{size}.car"
    if made.exists():
        return made
    work = folder / f"home-{count}-{size}"
    with opened_home(work) as home:
        import_source(home, str(images(work / "images", count, size)))
        wanted = Wanted(
            recipe=json.dumps(RECIPE),
            method="simulated",
            overrides={"folds": FOLDS},
            claims=("macro_f1 >= 0.50", "recall_gap(class) <= 0.90"),
        )
        run = start_run(home, CID.parse(take_snapshot(home)["snapshot"]), wanted)
        home.worker().work(run)
        entry = CID.parse(publish_release(home, run)["entry"])
        export_held(home, entry, made)
    return made
