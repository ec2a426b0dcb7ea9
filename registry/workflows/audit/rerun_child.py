"""The process in which an audit runs a method on a stranger's records: ``emotionet _child audit-see|audit-train SPEC``.

It opens no home and no store: what it needs was written beside its specification by the audit, and what it finds goes
back as lines of text. It ends when the audit does.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from registry.core.ports.method import FoldTask
from registry.jobs.child import Report, child, end_with_parent
from registry.workflows.methods import installed

SEE, TRAIN = "audit-see", "audit-train"


def encode_task(task: FoldTask) -> bytes:
    """A task as a file."""
    return msgspec.msgpack.encode(task, enc_hook=str)


def decode_task(data: bytes) -> FoldTask:
    """What ``encode_task`` wrote."""
    return msgspec.msgpack.decode(data, type=FoldTask, dec_hook=lambda kind, value: kind(value))


def see(given: Mapping[str, Any], folder: Path, report: Report) -> dict[str, Any]:
    """The detections of each part, told as each is done."""
    method, classes = installed(given["method"]), tuple(given["classes"])
    for number, part in enumerate(given["parts"]):
        files = {name: (folder / part["weights"] / name).read_bytes() for name in part["files"]}
        images = (  # read as they are needed
            (folder / "images" / name).read_bytes() for name in part["images"]
        )
        if part["exported"]:
            found = method.run_export(files, images, given["recipe"], classes)
        else:
            found = method.predict([files], images, given["recipe"], classes)
        report({"part": number, "detections": list(_told(found, report))})
    return {}


def _told(found: Any, report: Report) -> Iterator[list[list[int]]]:
    for one in found:
        report({"seen": 1})
        yield [list(detection) for detection in one]


def train(given: Mapping[str, Any], folder: Path, report: Report) -> dict[str, Any]:
    """What training again gives; first how long it will take."""
    task, method = decode_task((folder / given["task"]).read_bytes()), installed(given["method"])
    seconds = method.estimate(task.recipe, len(task.train), len(task.classes))
    report({"estimate": seconds})
    outcome = method.train_fold(task, report)
    return {
        "history": [[epoch, dict(values), state] for epoch, values, state in outcome.history],
        "tensors": outcome.tensors,
        "predictions": {
            sha256.hex(): [list(detection) for detection in found] for sha256, found in outcome.predictions.items()
        },
    }


WORK: Mapping[str, Callable[[Mapping[str, Any], Path, Report], dict[str, Any]]] = {SEE: see, TRAIN: train}


def rerun_in_child(arguments: list[str]) -> int:
    """The child's whole life; its exit status. It ends without tidying up, which a confined process may not."""
    end_with_parent()
    kind, spec = arguments[0], Path(arguments[1])
    given = json.loads(spec.read_text(encoding="utf-8"))
    stdout, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints goes to the log
    status = child(stdout, spec.parent, lambda report: WORK[kind](given, spec.parent, report))
    sys.stderr.flush()
    os._exit(status)
