"""An ONNX that ultralytics exported, back to its tensors: BatchNorm was folded and is laid out again.

Invariants: no external data; only tensors of the architecture that the shapes name are taken, all of them;
the model made from them gives what onnxruntime gives for the file, or it is refused.

Ultralytics exports keep the names of convolutions (``model.*``); ``X.conv.bias`` is the folded ``X.bn.bias``.
With mean 0, variance 1 and weight sqrt(1 + eps) BatchNorm adds that bias and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.convert.architecture import Build, Found, architecture_of, class_names, image_size, licence_text
from registry.core.errors import Untrusted

PIXELS, SCORES = 0.05, 0.001  # how far the two may differ
_SIDE = 320
_TYPES = {1: (torch.float32, 4), 10: (torch.float16, 2)}
MAX_TENSORS = 5000


def load_libraries() -> None:
    """What reads and runs ONNX, before the guard."""
    import onnx
    import onnxruntime  # noqa: F401

    onnx.numpy_helper  # noqa: B018  loaded lazily otherwise


def _bad(reason: str) -> Untrusted:
    return Untrusted(reason, code="hostile_weights")


def _tensors(message: Any) -> Iterator[Any]:
    """Every tensor of a document, wherever it stands: weights, attributes of nodes, other graphs and functions."""
    from google.protobuf.message import Message
    from onnx import TensorProto

    for _, value in message.ListFields():
        for one in [value] if isinstance(value, Message) else value if hasattr(value, "MergeFrom") else ():
            if isinstance(one, TensorProto):
                yield one
            elif isinstance(one, Message):
                yield from _tensors(one)


def all_within(model: Any) -> None:
    """Check that no tensor is in another file, which running the model would open."""
    for one in _tensors(model):
        if one.data_location or one.external_data:
            raise _bad(f"tensor {one.name[:60]!r} is stored in another file")


def _tensor(one: Any) -> torch.Tensor:
    from onnx import numpy_helper

    shape = list(one.dims)
    if one.data_type not in _TYPES or len(shape) > 4 or any(not 0 < side < 1 << 20 for side in shape):
        raise _bad(f"tensor {one.name[:60]!r} has an impossible type or shape")
    if one.raw_data and len(one.raw_data) != math.prod(shape) * _TYPES[one.data_type][1]:
        raise _bad(f"tensor {one.name[:60]!r} has a size that does not match its shape")
    return torch.from_numpy(np.array(numpy_helper.to_array(one), np.float32))


def read(path: Path, build: Build) -> Found:
    """The model in an ONNX file. ``Untrusted`` unless it is a YOLOv8 and behaves as the file does."""
    import onnx

    model = onnx.load_model(str(path), load_external_data=False)
    all_within(model)
    wanted = [one for one in model.graph.initializer if one.name.startswith("model.")]
    if not 0 < len(wanted) <= MAX_TENSORS or len({one.name for one in wanted}) != len(wanted):
        raise _bad("its tensors do not have ultralytics' names")
    given = _with_shared({one.name: _tensor(one) for one in wanted}, model.graph.node)
    architecture, classes = architecture_of(given)
    about = {pair.key: pair.value for pair in model.metadata_props}
    names = class_names(about.get("names"), classes)
    made = build(architecture, names).eval()
    made.load_state_dict(_unfolded(given, made), strict=True)
    _same(path, made)
    return Found(
        tensors=made.state_dict(),
        architecture=architecture,
        names=names,
        imgsz=image_size(about.get("imgsz")),
        licence=licence_text(about.get("license")),
        batchnorm="folded",
    )


def _with_shared(given: dict[str, torch.Tensor], nodes: Iterable[Any]) -> dict[str, torch.Tensor]:
    """With the tensors that an exporter keeps once because they are equal: a node names each other one."""
    for node in nodes:
        if node.op_type == "Identity" and node.input[0] in given and node.output[0].startswith("model."):
            given.setdefault(node.output[0], given[node.input[0]])
    return given


def _unfolded(given: dict[str, torch.Tensor], model: Any) -> dict[str, torch.Tensor]:
    """The whole state: convolutions as given, each BatchNorm an addition of its folded bias."""
    state = {}
    used = set()
    for name, own in model.state_dict().items():
        stem, _, last = name.rpartition(".")
        source = f"{stem.removesuffix('.bn')}.conv.bias" if name.endswith(".bn.bias") else name
        if stem.endswith(".bn") and last != "bias":
            fill = {"weight": math.sqrt(1 + model.get_submodule(stem).eps), "running_var": 1.0}.get(last, 0.0)
            state[name] = torch.full_like(own, fill)
            continue
        found = given.get(source)
        if found is None or found.shape != own.shape:
            raise _bad(f"tensor {source} is missing or has a different shape")
        used.add(source)
        state[name] = found
    if used != set(given):
        raise _bad(f"tensor {min(set(given) - used)} does not belong to any layer")
    return state


def _same(path: Path, model: Any) -> None:
    """Both give the same for a picture of waves and noise."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    (inlet,) = session.get_inputs()
    stated = inlet.shape[2] if len(inlet.shape) == 4 and type(inlet.shape[2]) is int else _SIDE
    side = stated if 32 <= stated <= 1280 and stated % 32 == 0 else _SIDE
    grid = np.linspace(0, 20, side, dtype=np.float32)
    waves = np.sin(grid)[:, None] * np.cos(grid)[None, :] * 0.4 + 0.5
    noise = np.random.default_rng(7).random((3, side, side), np.float32) * 0.1
    batch = (waves[None] + noise).astype(np.float32)[None]
    (theirs,) = session.run(None, {inlet.name: batch})[:1]
    with torch.inference_mode():
        ours = model(torch.from_numpy(batch))[0].numpy()
    if theirs.shape != ours.shape:
        raise _bad(f"the file's network outputs {theirs.shape}, its tensors alone {ours.shape}")
    away = np.abs(theirs.astype(np.float64) - ours)
    if not (away[:, :4].max() <= PIXELS and away[:, 4:].max() <= SCORES):
        raise _bad(
            "the file computes something else than the plain network of its tensors (outputs differ by "
            f"{away.max():.4g})"
        )
