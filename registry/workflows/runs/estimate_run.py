"""What a run would do and cost, before anything of it is done: `emotionet train --dry-run`."""

from __future__ import annotations

import os
import time
from typing import Any

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.progress import silent
from registry.core.records import REFIT, to_value
from registry.core.text.claim_text import claim_text
from registry.evaluation.sentences import note_document, note_text
from registry.jobs.capacity import memory_for_children
from registry.workflows.base_weights import declared_licence
from registry.workflows.fold_task import read_items
from registry.workflows.parts import Parts
from registry.workflows.runs.check_capacity import disk_needed
from registry.workflows.runs.start_run import Checked, Wanted, check_request
from registry.workflows.training import run_context

LOOKED_AT = 8  # images
ARCHITECTURE_ALONE = "from the architecture alone"


def estimate_run(parts: Parts, snapshot: CID, wanted: Wanted) -> dict[str, Any]:
    """The plan that `train` would make and its cost on this machine: the document of `train --dry-run --json`.

    ``seconds`` are of cleaning and training together, estimated from one batch and a few images that are processed for
    this (a cluster's nodes are assumed to be like this machine, and enough of them). ``images`` are the snapshot's;
    cleaning drops some. Nothing is written.
    """
    checked = check_request(parts, snapshot, wanted)
    return {
        "snapshot": str(checked.snapshot),
        "recipe": checked.recipe,
        "method": wanted.method,
        "engine": wanted.engine,
        **_base(checked, wanted),
        "warnings": list(map(note_text, checked.warnings)),
        "notes": list(map(note_document, checked.warnings)),
        "final": checked.final,
        "seed": checked.values["seed"],
        "beacons": list(checked.beacons),
        "claims": list(map(claim_text, checked.claims)),
        "correction": wanted.correction,
        "images": checked.record.count,
        "folds": int(checked.values["folds"]["k"]),
        "repeats": int(checked.values["folds"]["repeats"]),
        **_cost(parts, checked, wanted),
    }


def _cost(parts: Parts, checked: Checked, wanted: Wanted) -> dict[str, Any]:
    """How much is computed, in how many seconds, and with how many bytes of memory and disk."""
    method, values, record, cost = parts.method(wanted.method), checked.values, checked.record, checked.cost
    seconds = method.estimate(
        values, max(1, record.count - record.count // int(values["folds"]["k"])), len(record.classes)
    )
    trainings = run_context.fold_count(values) + (checked.final == REFIT)
    cluster = parts.settings.on_cluster(wanted.engine)
    side_by_side = _side_by_side(parts, trainings, wanted.engine, 0 if cluster else cost.memory)
    rounds = -(-trainings // side_by_side)
    threads = side_by_side * cost.threads
    slower = 1.0 if cluster else max(1.0, threads / (os.cpu_count() or 1))
    cleaning = _cleaning(parts, record, wanted.method, values)
    return {
        "epochs": cost.epochs,
        "trainings": trainings,
        "side_by_side": side_by_side,
        "seconds": round(cleaning + rounds * seconds * slower),
        "seconds_a_training": seconds,
        "memory": cost.memory * side_by_side,
        "disk": disk_needed(cost, side_by_side),
    }


def _base(checked: Checked, wanted: Wanted) -> dict[str, Any]:
    """The base weights, their licence, and which of the images they have seen."""
    return {
        "base": wanted.base or ARCHITECTURE_ALONE,
        "base_licence": None if checked.base is None else declared_licence(checked.base),
        "base_origin": None if checked.origin is None else to_value(checked.origin),
    }


def _side_by_side(parts: Parts, trainings: int, engine: str, memory: int) -> int:
    """How many trainings are done at once; ``memory`` 0: where there is room for all, as a cluster is taken to have."""
    wanted = parts.settings.at_once(engine)
    free = memory_for_children()
    room = free // memory if memory and free else wanted
    return max(1, min(trainings, wanted, room))


def _cleaning(parts: Parts, snapshot: records.Snapshot, method: str, values: Any) -> float:
    """Seconds to look at all images, from a few of them."""
    items, where = read_items(parts.store.get, snapshot)
    some = items[:LOOKED_AT]
    started = time.monotonic()
    list(parts.method(method).measure(some, run_context.image_reader(parts.store, where), values, silent))
    return (time.monotonic() - started) * len(items) / max(1, len(some))
