"""A process that makes base weights of every kind, good and hostile, and has them read, for test_base.py.

``python -m tests.pipeline.base_process SCENARIO FOLDER``: torch and ultralytics stay out of pytest's own process.
"""

from __future__ import annotations

import json
import os
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import pipeline.yolo  # noqa: F401  before ultralytics and torch
from pipeline.method import YOLOv8
from pipeline.weights import load_weights, read_origin, save_weights, tensor_digest
from registry.core.errors import EmotionetError

SIZE = 64
CLASSES = ("triste", "sorprendido", "feliz", "enojado")


def model() -> Any:
    """A model with BatchNorm that has seen something."""
    import torch

    from pipeline.yolo.model import build_model

    torch.manual_seed(1)
    made = build_model("yolov8n", CLASSES).train()
    with torch.no_grad():
        for one in made.parameters():  # no two tensors alike: an ONNX keeps equal ones once
            one.add_(torch.randn_like(one) * 0.01)
    for _ in range(3):
        made(torch.rand(4, 3, SIZE, SIZE))
    return made.eval()


def files_of(made: Any) -> dict[str, bytes]:
    return save_weights(made.state_dict(), "yolov8n", CLASSES, SIZE)[0]


def checkpoint(made: Any, folder: Path, extra: Mapping[str, Any] | None = None) -> Path:
    """A .pt as ultralytics writes it: the whole model, pickled."""
    import torch

    path = folder / "best.pt"
    about = {"epoch": -1, "model": made, "ema": None, "train_args": {"imgsz": SIZE}, "license": "AGPL-3.0"}
    torch.save({**about, **(extra or {})}, path)
    return path


def apart(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> list[float]:
    """How far two models' boxes (pixels) and scores are apart for a picture of noise."""
    import torch

    from pipeline.yolo.model import load_model

    batch = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(3))
    seen = []
    for files in (one, other):
        tensors, architecture, names, _ = load_weights(files)
        with torch.inference_mode():
            seen.append(load_model(tensors, architecture, names, 1)(batch)[0].numpy())
    away = np.abs(seen[0] - seen[1])
    return [float(away[:, :4].max()), float(away[:, 4:].max())]


def converted(folder: Path) -> dict[str, Any]:
    """The same weights as a folder, a safetensors file, a .pt and an ONNX."""
    made, method = model(), YOLOv8()
    files = files_of(made)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "model.onnx").write_bytes(method.export(files)["model.onnx"])
    pt = checkpoint(made, folder)
    found = {
        "folder": method.read_base(folder),
        "safetensors": method.read_base(folder / "weights.safetensors"),
        "pt": method.read_base(pt),
        "onnx": method.read_base(folder / "model.onnx"),
    }
    return {
        "digests": {name: tensor_digest(load_weights(one)[0]) for name, one in found.items()},
        "apart": apart(files, found["onnx"]),
        "names": {name: list(load_weights(one)[2]) for name, one in found.items()},
        "origins": {
            name: None if (origin := read_origin(one["model.json"])) is None else vars(origin)
            for name, one in found.items()
        },
    }


class Evil:
    """Runs a program when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, (f"touch {self.marker}",)


def zipped(path: Path, entries: Mapping[str, bytes], kind: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def onnx_with(folder: Path, name: str, change: Callable[[Any], None]) -> Path:
    """A good ONNX, changed."""
    import onnx

    document = onnx.load_from_string((folder / "model.onnx").read_bytes())
    change(document)
    path = folder / f"{name}.onnx"
    path.write_bytes(document.SerializeToString())
    return path


def huge(document: Any) -> None:
    document.graph.initializer[0].dims[:] = [1 << 19, 1 << 19, 1 << 19]
    document.graph.initializer[0].name = "model.0.conv.weight"


def elsewhere(document: Any) -> None:
    one = document.graph.initializer[0]
    one.data_location = 1
    pair = one.external_data.add()
    pair.key, pair.value = "location", "../../../../etc/passwd"


def fewer(document: Any) -> None:
    names = [one.name for one in document.graph.initializer]
    del document.graph.initializer[names.index("model.22.cv3.0.2.weight")]


def other_network(document: Any) -> None:
    """The same tensors, another function."""
    next(node for node in document.graph.node if node.op_type == "Conv").op_type = "Conv"
    for one in document.graph.node:
        if one.op_type == "Sigmoid":
            one.op_type = "Tanh"


def hostile(folder: Path) -> dict[str, Any]:
    """What each hostile file ends in; whether any of them had its way."""
    made, marker = model(), folder / "marker"
    files = files_of(made)
    (folder / "model.onnx").write_bytes(YOLOv8().export(files)["model.onnx"])
    evil = Evil(marker)
    given: dict[str, Path] = {
        "pt, whole model beside a program": checkpoint(made, folder, {"optimizer": evil}),
        "pt, only a program": zipped(folder / "program.pt", {"a/data.pkl": pickle.dumps(evil)}),
        "pt, a bare pickle": folder / "bare.pt",
        "pt, packed": zipped(folder / "packed.pt", {"a/data.pkl": b"\0" * (64 << 20)}, zipfile.ZIP_DEFLATED),
        "pt, text": folder / "text.pt",
        "onnx, huge shape": onnx_with(folder, "huge", huge),
        "onnx, data elsewhere": onnx_with(folder, "elsewhere", elsewhere),
        "onnx, a tensor missing": onnx_with(folder, "fewer", fewer),
        "onnx, another network": onnx_with(folder, "other", other_network),
        "onnx, text": folder / "text.onnx",
        "onnx, cut short": folder / "short.onnx",
        "yaml": folder / "evil.yaml",
        "missing": folder / "nothing.pt",
        "folder without model.json": folder / "half",
        "safetensors, 100 GB header": folder / "header" / "weights.safetensors",
        "safetensors, overlapping": folder / "overlap" / "weights.safetensors",
    }
    given["pt, a bare pickle"].write_bytes(pickle.dumps(evil))
    for name in ("pt, text", "onnx, text", "yaml"):
        given[name].write_text("nc: 80\nbackbone: [[-1, 1, __import__('os').abort(), []]]\n")
    given["onnx, cut short"].write_bytes((folder / "model.onnx").read_bytes()[:-5000])
    given["folder without model.json"].mkdir()
    (given["folder without model.json"] / "weights.safetensors").write_bytes(files["weights.safetensors"])
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    header = json.dumps({"a": entry, "b": entry}).encode()
    for name, data in (
        ("safetensors, 100 GB header", struct.pack("<Q", 100 << 30) + b"{}"),
        ("safetensors, overlapping", struct.pack("<Q", len(header)) + header + b"\0" * 4),
    ):
        given[name].parent.mkdir()
        given[name].write_bytes(data)
        given[name].with_name("model.json").write_bytes(files["model.json"])
    return {"codes": {name: coded(path) for name, path in given.items()}, "marker": marker.exists()}


def coded(path: Path) -> list[str]:
    """Kind, code and number of lines of the error that a file ends in."""
    try:
        YOLOv8().read_base(path)
    except EmotionetError as error:
        return [type(error).__name__, error.code, str(len(str(error).splitlines()))]
    return ["good"]


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](Path(sys.argv[2]))), flush=True)
