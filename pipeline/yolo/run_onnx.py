"""A stranger's ONNX on encoded images, in a process that it can't use for anything else.

Invariants: the process is confined (``registry.confined``) before the file is read. The file holds all its tensors
itself; it has the one input and the one output that this method's files have, so a file of another form is refused
and never interpreted. Which detections are left of its output is decided as for the weights.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.convert.onnx_file import all_within, load_libraries
from pipeline.recipes.schema import check_values
from pipeline.resize import Letterbox, resize
from pipeline.yolo.model import detect
from pipeline.yolo.predict import decoded
from registry.confined import bound, guard
from registry.core.errors import EmotionetError, Unavailable, Untrusted
from registry.core.ports.method import Detection
from registry.core.weights import ONNX_FILE

MEMORY, CPU_SECONDS = 8 << 30, 4 * 3600
INPUT, OUTPUT = "images", "output0"


def run_onnx(
    files: Mapping[str, bytes], images: Iterable[bytes], recipe: Mapping[str, Any], classes: tuple[str, ...]
) -> Iterator[tuple[Detection, ...]]:
    """As ``registry.core.ports.method.HasWeights.run_export``."""
    check_values(recipe)
    try:
        load_libraries()
    except ImportError as error:
        raise Unavailable("ONNX needs its libraries", code="no_onnx", hint="pip install 'emotionet[onnx]'.") from error
    size, floor = int(recipe["preprocess"]["size"]), float(recipe["evaluation"]["floor"])
    mirrored, max_pixels = bool(recipe["evaluation"]["mirrored"]), int(recipe["preprocess"]["max_pixels"])
    bound(MEMORY, CPU_SECONDS)
    guard(Path(tempfile.gettempdir()))
    session = _session(files[ONNX_FILE], size, len(classes), int(recipe["training"]["threads"]))

    def network(batch: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(_ran(session, batch.numpy(), len(classes)))

    for data in images:
        image = decoded(data, max_pixels)
        place = Letterbox(*image.size, size)
        yield detect([network], len(classes), resize(image, size), place, floor, mirrored=mirrored)


def _bad(reason: str) -> Untrusted:
    return Untrusted(f"the ONNX can't be run: {reason}"[:300], code="hostile_weights")


def _session(data: bytes, size: int, classes: int, threads: int) -> Any:
    import onnx
    import onnxruntime

    try:
        all_within(onnx.load_from_string(data))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except EmotionetError:
        raise
    except Exception as error:  # whatever a stranger's file makes its reader raise
        raise _bad(f"{type(error).__name__}: {error}") from error
    given, made = session.get_inputs(), session.get_outputs()
    if [(one.name, list(one.shape)) for one in given] != [(INPUT, [1, 3, size, size])]:
        raise _bad(f"it does not take {INPUT} of 1, 3, {size}, {size}")
    if [one.name for one in made] != [OUTPUT] or list(made[0].shape)[:2] != [1, 4 + classes]:
        raise _bad(f"it does not give {OUTPUT} of {classes} classes")
    return session


def _ran(session: Any, batch: np.ndarray[Any, Any], classes: int) -> np.ndarray[Any, Any]:
    try:
        (found,) = session.run(None, {INPUT: batch})
    except Exception as error:
        raise _bad(f"{type(error).__name__}: {error}") from error
    side = batch.shape[2]
    places = sum((side // stride) ** 2 for stride in (8, 16, 32))
    if found.dtype != np.float32 or found.shape != (1, 4 + classes, places) or not np.isfinite(found).all():
        raise _bad("its output is not that of such a network")
    return np.ascontiguousarray(found)
