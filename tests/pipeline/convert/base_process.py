"""A process that makes base weights of every kind, good and hostile, and has them read, for test_base.py.

``python -m tests.pipeline.convert.base_process SCENARIO FOLDER``: pytest itself loads neither torch nor ultralytics.
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
from pipeline.convert import KINDS
from pipeline.method import YOLOv8
from pipeline.weights import load_weights, read_origin, save_weights
from registry.core.tensors import tensors_digest

SIZE = 64
CLASSES = ("triste", "sorprendido", "feliz", "enojado")


def model() -> Any:
    """A model with BatchNorm that has seen something."""
    import torch

    from pipeline.yolo.model import build_model

    torch.manual_seed(1)
    made = build_model("yolov8n", CLASSES).train()
    with torch.no_grad():
        for name, one in made.named_parameters():
            if not name.endswith(".2.bias"):  # the head's last ones stay alike: an ONNX keeps equal ones once
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
        "digests": {name: tensors_digest(one["weights.safetensors"]) for name, one in found.items()},
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


def with_external_constant(document: Any) -> None:
    """Data elsewhere, in a tensor that is no weight: whoever runs the model would open it."""
    from onnx import helper

    node = helper.make_node("Constant", [], ["unused"], value=helper.make_tensor("c", 1, [1], [0.0]))
    elsewhere_tensor(node.attribute[0].t)
    document.graph.node.insert(0, node)


def elsewhere_tensor(one: Any) -> None:
    one.ClearField("float_data")
    one.data_location = 1
    pair = one.external_data.add()
    pair.key, pair.value = "location", "/etc/passwd"


class Far:
    """A tensor that reaches beyond its storage."""

    def __reduce__(self) -> tuple[Any, ...]:
        import torch

        return torch._utils._rebuild_tensor_v2, (torch.zeros(4).storage(), 0, (1 << 20, 1 << 20), (1, 1), False, {})


def deep(folder: Path) -> Path:
    """A pickle of a list in a list in a list."""
    return zipped(folder / "deep.pt", {"a/data.pkl": b"\x80\x02" + b"(" * 200_000 + b"l" * 200_000 + b"."})


def safetensors_of(folder: Path, files: Mapping[str, bytes]) -> dict[str, Path]:
    """Files of that kind that lie, each in a folder of its own beside a good model.json."""
    from safetensors.numpy import load, save

    tensors = load(files["weights.safetensors"])
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    first = "model.0.conv.weight"

    def raw(header: Any, body: bytes) -> bytes:
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + body

    data = {
        "100 GB header": struct.pack("<Q", 100 << 30) + b"{}",
        "overlapping": raw({"a": entry, "b": entry}, bytes(4)),
        "huge shape": raw({"a": {**entry, "shape": [1 << 20, 1 << 20, 1 << 20]}}, bytes(4)),
        "wrong dtype": save({**tensors, first: tensors[first].astype(np.float16)}),
        "missing key": save({name: one for name, one in tensors.items() if name != first}),
        "one key more": save({**tensors, "surprise": tensors[first]}),
        "a pickle": pickle.dumps(Evil(folder / "marker")),
    }
    found = {}
    for name, content in data.items():
        place = folder / name.replace(" ", "-")
        place.mkdir()
        (place / "weights.safetensors").write_bytes(content)
        (place / "model.json").write_bytes(files["model.json"])
        found[f"safetensors, {name}"] = place / "weights.safetensors"
    nested = folder / "nested"
    nested.mkdir()
    (nested / "weights.safetensors").write_bytes(files["weights.safetensors"])
    (nested / "model.json").write_bytes(b"[" * 100_000)
    return {**found, "model.json, nested": nested, "other architecture": other_architecture(folder)}


def other_architecture(folder: Path) -> Path:
    """Good weights of a model that the recipe does not train."""
    from pipeline.yolo.model import build_model

    place = folder / "small"
    place.mkdir()
    for name, data in save_weights(build_model("yolov8s", CLASSES).state_dict(), "yolov8s", CLASSES, SIZE)[0].items():
        (place / name).write_bytes(data)
    return place


def hostile(folder: Path) -> dict[str, Any]:
    """Hostile files by what is wrong with them; `marker` is made if one of them has its way.

    `said`: what the readers of the sandbox say to each, all in this process.
    """
    import torch

    made, evil = model(), Evil(folder / "marker")
    files = files_of(made)
    (folder / "model.onnx").write_bytes(YOLOv8().export(files)["model.onnx"])
    given: dict[str, Path] = {
        "pt, only a program": zipped(folder / "program.pt", {"a/data.pkl": pickle.dumps(evil)}),
        "pt, a program for its model": checkpoint(made, folder, {"model": evil}).rename(folder / "model-program.pt"),
        "pt, a bare pickle": folder / "bare.pt",
        "pt, packed": zipped(folder / "packed.pt", {"a/data.pkl": b"\0" * (64 << 20)}, zipfile.ZIP_DEFLATED),
        "pt, nested": deep(folder),
        "pt, beyond its storage": folder / "far.pt",
        "pt, text": folder / "text.pt",
        "onnx, huge shape": onnx_with(folder, "huge", huge),
        "onnx, data elsewhere": onnx_with(folder, "elsewhere", elsewhere),
        "onnx, a constant elsewhere": onnx_with(folder, "constant", with_external_constant),
        "onnx, a tensor missing": onnx_with(folder, "fewer", fewer),
        "onnx, another network": onnx_with(folder, "other", other_network),
        "onnx, cut short": folder / "short.onnx",
        "yaml": folder / "evil.yaml",
        "missing": folder / "nothing.pt",
        "folder without model.json": folder / "half",
        **safetensors_of(folder, files),
    }
    torch.save({"model": {"model.0.conv.weight": Far()}}, given["pt, beyond its storage"])
    given["pt, a bare pickle"].write_bytes(pickle.dumps(evil))
    for name in ("pt, text", "yaml"):
        given[name].write_text("nc: 80\nbackbone: [[-1, 1, __import__('os').abort(), []]]\n")
    given["onnx, cut short"].write_bytes((folder / "model.onnx").read_bytes()[:-5000])
    given["folder without model.json"].mkdir()
    (given["folder without model.json"] / "weights.safetensors").write_bytes(files["weights.safetensors"])
    harmless = checkpoint(made, folder, {"optimizer": evil})  # the program is a stand-in that does nothing
    return {
        "said": {name: said_to(path) for name, path in given.items() if path.suffix in KINDS and path.exists()},
        "paths": {name: str(path) for name, path in given.items()},
        "harmless": str(harmless),
    }


def said_to(path: Path) -> list[str]:
    """The error in which the reader of the sandbox ends."""
    from pipeline.convert import onnx_file, torch_file
    from pipeline.yolo.model import build_model

    try:
        (onnx_file if path.suffix == ".onnx" else torch_file).read(path, build_model)
    except Exception as error:
        return [type(error).__name__, str(error)]
    return []


def main() -> None:
    print(json.dumps(globals()[sys.argv[1]](Path(sys.argv[2]))), flush=True)


if __name__ == "__main__":
    main()
