"""The baseline: what a user writes. A loop of ultralytics' `YOLO.train` over folds of image files.

``python -m bench.plain_yolo SPEC.json FOLD...``; SPEC has ``folder`` (fold-N/data.yaml below it) and ``arguments``.
Everything that is not in the recipe is ultralytics' default: plots, a validation each epoch, best.pt judged once more.
Offline, so that it does not wait for the network. Prints one JSON document: seconds of each fold and of its parts.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from pipeline.workspace import quiet


def train(spec: dict[str, Any], fold: int) -> dict[str, Any]:
    """One fold: when it began, each epoch's training and validation ended, and all was over, in seconds."""
    from ultralytics import YOLO

    marks: list[tuple[str, float]] = []

    def mark(name: str) -> Any:
        return lambda _: marks.append((name, time.perf_counter()))

    begun = time.perf_counter()
    model = YOLO("yolov8n.yaml")
    for name in ("on_train_start", "on_train_epoch_start", "on_train_epoch_end", "on_fit_epoch_end", "on_train_end"):
        model.add_callback(name, mark(name))
    model.train(data=str(Path(spec["folder"]) / f"fold-{fold}" / "data.yaml"), **spec["arguments"])
    over = time.perf_counter()
    at = {name: [time for one, time in marks if one == name] for name, _ in marks}
    starts, ends = at["on_train_epoch_start"], at["on_train_epoch_end"]
    judged = at["on_fit_epoch_end"][: len(ends)]
    return {
        "seconds": over - begun,
        "before": at["on_train_start"][0] - begun,
        "training": sum(end - start for start, end in zip(starts, ends, strict=True)),
        "validation": sum(done - end for end, done in zip(ends, judged, strict=True)),
        "final": over - judged[-1],
    }


def main() -> None:
    """All folds that are named, one after the other."""
    quiet()
    spec = json.loads(Path(sys.argv[1]).read_text())
    begun, processor = time.perf_counter(), time.process_time()
    folds = [train(spec, int(fold)) for fold in sys.argv[2:]]
    used = resource.getrusage(resource.RUSAGE_SELF)
    document = {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - processor,
        "memory": used.ru_maxrss << 10,
        "folds": folds,
    }
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    main()
