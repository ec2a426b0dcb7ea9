"""A process that trains tiny folds and prints what came of it, for test_train.py. Sockets are refused.

``python -m tests.pipeline.yolo.fold_process SCENARIO FOLDER``: ultralytics and torch stay out of pytest's own process.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from msgspec import structs

from pipeline.method import YOLOv8
from registry.core.errors import Cancelled, EmotionetError
from registry.core.ports.method import FoldOutcome, FoldTask
from registry.core.tensors import NUMBERS, STATE, checkpoint_digest
from tests.pipeline.pictures import World, encode, preprocess, quiet, scene, values_of

CLASSES = ("triste", "sorprendido", "feliz", "enojado")
TINY = {"imgsz": 64, "batch": 4, "nbs": 4, "epochs": 3, "validate_every": 2, "warmup_epochs": "1.0"}
Report = Callable[[Mapping[str, Any]], None]


def refuse(*_: object, **__: object) -> NoReturn:
    raise AssertionError("a socket was opened")


def task(
    folder: Path,
    fold: int | None = 0,
    base: Mapping[str, bytes] | None = None,
    nothing: int | None = None,
    **training: Any,
) -> FoldTask:
    """Twelve pictures, eight to train on and four to be judged (none for a refit); in every ``nothing``-th is nothing
    to be found."""
    folder.mkdir(parents=True, exist_ok=True)
    world, method = World(), YOLOv8()
    for seed in range(12):
        size = ((160, 120), (90, 130))[seed % 2]
        label = None if nothing and seed % nothing == 0 else seed % 4
        world.add(encode(scene(seed, size)), label=label, boxes=((1000, 1500, 6000, 7000),) if seed % 3 else ())
    values = values_of("quick", {**TINY, **training}, size={**TINY, **training}["imgsz"])
    values["state"] = {"every": 1, "keep": 2}
    values["evaluation"]["floor"] = "0.0001"  # so that a model that has learned nothing says something
    rows = {row.sha256: row for row in preprocess(world.items, world.read, values)}
    array = folder / "pixels.npy"
    names = sorted(rows)
    return FoldTask(
        fold=fold,
        seed=7,
        recipe=values,
        classes=CLASSES,
        array=array,
        index=method.materialize(list(rows.values()), world.read, values, array, quiet),
        rows=rows,
        labels={item.sha256: item.label for item in world.items},
        train=tuple(names[4:] if fold is not None else names),
        validate=tuple(names[:4] if fold is not None else ()),
        base=base,
        workdir=folder / "fold",
    )


def train(given: FoldTask, report: Report = lambda document: None) -> FoldOutcome:
    return YOLOv8().train_fold(given, report)


def told(outcome: FoldOutcome) -> dict[str, Any]:
    """An outcome as JSON."""
    return {
        "tensors": outcome.tensors,
        "files": {name: len(data) for name, data in outcome.weights.items()},
        "arguments": dict(outcome.arguments),
        "events": [dict(event) for event in outcome.events],
        "history": [[epoch, dict(values)] for epoch, values, _ in outcome.history],
        "states": [state for *_, state in outcome.history],
        "checkpoints": {
            one.epoch: checkpoint_digest({name: (one.folder / name).read_bytes() for name in (STATE, NUMBERS)})
            for one in outcome.checkpoints
        },
        "predictions": {name.hex(): [list(d) for d in found] for name, found in outcome.predictions.items()},
    }


def plain(folder: Path) -> dict[str, Any]:
    """One fold; then its published weights on the same images."""
    given, reports = task(folder), []
    outcome = train(given, lambda document: reports.append(dict(document)))
    world = World()
    for seed in range(12):
        world.add(encode(scene(seed, ((160, 120), (90, 130))[seed % 2])))
    again = YOLOv8().predict(
        [outcome.weights], [world.data[name] for name in given.validate], given.recipe, given.classes
    )
    return {
        **told(outcome),
        "again": {name.hex(): [list(d) for d in found] for name, found in zip(given.validate, again, strict=True)},
        "epochs": [report for report in reports if report],
        "signs": sum(not report for report in reports),
        "boxes": {name.hex(): [given.rows[name].width, given.rows[name].height] for name in given.validate},
        "judged": [name.hex() for name in given.validate],
    }


def others(folder: Path) -> dict[str, Any]:
    """The same task elsewhere, another fold, a refit, and from base weights."""
    first = train(task(folder / "a"))
    second = train(task(folder / "b" / "elsewhere", epochs=1), lambda _: None)
    based = train(task(folder / "c", base=second.weights, epochs=1))
    refit = train(task(folder / "d", fold=None, epochs=1))
    background = task(folder / "f", epochs=1, nothing=2)
    given = task(folder / "h")
    stopped = train(structs.replace(given, stop_after=2))
    again = train(structs.replace(given, stop_after=2))  # nothing is left to do
    return {
        "same": first.tensors,
        "stopped": [told(stopped), told(again), told(train(given))],
        "fewer": told(second),
        "other_fold": train(task(folder / "e", fold=1, epochs=1)).tensors,
        "based": told(based),
        "refit": told(refit),
        "background": told(train(background)),
        "only_background": told(train(task(folder / "g", epochs=1, nothing=1))),
        "boxes": {name.hex(): [background.labels[name], len(row.boxes)] for name, row in background.rows.items()},
    }


def plotted(folder: Path) -> dict[str, Any]:
    """The task of ``plain``, with every picture of its batches and labels drawn on the way."""
    from pipeline.arguments import arguments_of
    from pipeline.yolo import fold
    from pipeline.yolo.trainer import FoldTrainer

    def with_plots(task: FoldTask) -> dict[str, Any]:
        return {**arguments_of(task), "plots": True}

    vars(fold)["arguments_of"] = with_plots
    FoldTrainer.plot_metrics = lambda _: None  # it reads a table that we do not write
    given = task(folder)
    outcome = train(given)
    return {**told(outcome), "pictures": len(list(given.workdir.rglob("*.jpg")) + list(given.workdir.rglob("*.png")))}


def sizes(folder: Path) -> dict[str, Any]:
    """Every size: its parameters, and the architecture that its tensors' shapes tell."""
    from pipeline import cost
    from pipeline.convert.architecture import architecture_of
    from pipeline.weights import ARCHITECTURES
    from pipeline.yolo.model import build_model

    found = {}
    for architecture in ARCHITECTURES:
        made = build_model(architecture, CLASSES)
        count = sum(one.numel() for one in made.parameters())
        found[architecture] = [count, cost.PARAMETERS[architecture], *architecture_of(made.state_dict())]
    return {"sizes": found}


def cancelled(folder: Path) -> dict[str, Any]:
    """Stopped in training, in validation and while predicting: how many more batches came."""
    found: list[str | int] = []
    for after in (3, 6, 8):
        calls: list[float] = []

        def report(_: Mapping[str, Any], calls: list[float] = calls, after: int = after) -> None:
            calls.append(time.monotonic())
            if len(calls) >= after:
                raise Cancelled("stop")

        try:
            train(task(folder / str(after), epochs=1, validate_every=1), report)
            found.append("not stopped")
        except Cancelled:
            found.append(len(calls) - after)
    return {"calls_after": found}


def killed(folder: Path) -> NoReturn:
    """Killed in the middle of the second epoch."""
    seen: list[int] = []

    def report(document: Mapping[str, Any]) -> None:
        if document.get("epoch") == 1 or seen:
            seen.append(1)
        if len(seen) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    train(task(folder), report)
    raise AssertionError("it was not killed")


def damaged(folder: Path) -> dict[str, Any]:
    """A checkpoint cut short, with one bit changed, of another task: the fold starts anew each time."""
    given = task(folder, epochs=1)
    given.workdir.mkdir()
    (given.workdir / "checkpoint.pt").write_bytes(b"PK\x03\x04 cut short")
    first = train(given)
    data = bytearray((given.workdir / "checkpoint.pt").read_bytes())
    data[len(data) // 2] ^= 1
    (given.workdir / "checkpoint.pt").write_bytes(data)
    again = train(given)
    return {"first": told(first), "again": told(again), "second": told(train(task(folder, epochs=2)))}


def diverged(folder: Path) -> dict[str, Any]:
    """Base weights that are no numbers."""
    from safetensors.numpy import load, save

    files = dict(train(task(folder / "a", epochs=1)).weights)
    tensors = load(files["weights.safetensors"])
    tensors["model.0.conv.weight"] = np.full_like(tensors["model.0.conv.weight"], np.nan)
    try:
        train(task(folder / "b", base={**files, "weights.safetensors": save(tensors)}))
    except EmotionetError as error:
        return {"code": error.code, "said": str(error)}
    return {"code": None}


def hostile(folder: Path) -> dict[str, Any]:
    """Weights that are well formed and not the architecture's."""
    from safetensors.numpy import load, save

    given = task(folder, epochs=1)
    files = dict(train(given).weights)
    tensors = load(files["weights.safetensors"])
    first = "model.0.conv.weight"
    odd = {
        "missing": {name: value for name, value in tensors.items() if name != first},
        "more": {**tensors, "surprise": tensors[first]},
        "shape": {**tensors, first: tensors[first].reshape(-1)},
        "dtype": {**tensors, first: tensors[first].astype(np.float16)},
    }
    picture, codes = encode(scene(1)), {}

    def code(weights: Mapping[str, bytes], classes: tuple[str, ...] = CLASSES) -> str | None:
        try:
            list(YOLOv8().predict([weights], [picture], given.recipe, classes))
        except EmotionetError as error:
            return f"{type(error).__name__} {error.code}"
        return None

    for name, changed in odd.items():
        codes[name] = code({**files, "weights.safetensors": save(changed)})
    larger = json.loads(files["model.json"]) | {"architecture": "yolov8s"}
    codes["architecture"] = code({**files, "model.json": json.dumps(larger).encode()})
    codes["order"] = code(files, CLASSES[::-1])
    codes["no file"] = code({"weights.safetensors": files["weights.safetensors"]})
    greedy = {**given.recipe, "training": {**given.recipe["training"], "threads": 10**6}}
    codes["greedy"] = coded(lambda: list(YOLOv8().predict([files], [picture], greedy, CLASSES)))
    picture = b"no picture"
    codes["no picture"] = code(files)
    picture = encode(scene(1))
    codes["good"] = code(files)
    return codes


def coded(work: Callable[[], object]) -> str | None:
    """What kind of error comes, and its code."""
    try:
        work()
    except EmotionetError as error:
        return f"{type(error).__name__} {error.code}"
    return None


def stopped(folder: Path) -> dict[str, Any]:
    """A training that rests after its first epochs ends early; taken up once more it has nothing to do."""
    given = task(folder, epochs=40, lr0="0", warmup_epochs="0.0", patience=1)
    outcome = train(given)
    return {"first": told(outcome), "again": told(train(given))}


def failures(folder: Path) -> dict[str, Any]:
    """Memory that is not there, a disk that is full, a GPU that is not there, bfloat16 that is not there."""
    import resource

    from pipeline.yolo import precision

    codes = {}
    small = task(folder / "a", epochs=1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    codes["disk"] = coded(lambda: train(small))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    codes["after"] = coded(lambda: train(small))
    os.environ["EMOTIONET_DEVICE"] = "cuda"
    codes["gpu"] = coded(lambda: train(task(folder / "b", epochs=1)))
    os.environ["EMOTIONET_DEVICE"] = "tpu"
    codes["device"] = coded(lambda: train(task(folder / "c", epochs=1)))
    del os.environ["EMOTIONET_DEVICE"]
    real, precision.has_bf16 = precision.has_bf16, lambda device: False
    codes["bf16"] = coded(lambda: train(task(folder / "d", epochs=1, precision="bf16")))
    precision.has_bf16 = real
    large = task(folder / "e", epochs=1, imgsz=512)
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    unlimited = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + (150 << 20), unlimited[1]))
    codes["memory"] = coded(lambda: train(large))
    resource.setrlimit(resource.RLIMIT_AS, unlimited)
    return codes


def outward(folder: Path) -> dict[str, Any]:
    """One fold's weights as ONNX, twice; the average of two folds; what a fold would cost."""
    import onnx

    given = task(folder / "a", epochs=2)
    first, second = train(given).weights, train(task(folder / "b", fold=1, epochs=1)).weights
    method, picture = YOLOv8(), encode(scene(3))
    document = method.export(first)["model.onnx"]
    read = onnx.load_from_string(document)
    strange = {**first, "weights.safetensors": first["weights.safetensors"][:-4]}

    def predicted(weights: list[Mapping[str, bytes]]) -> list[list[int]]:
        (found,) = method.predict(weights, [picture], given.recipe, given.classes)
        return [list(one) for one in found]

    cost, kept = method.cost(given.recipe, 8), [one for one in given.workdir.glob("state-*/*") if one.is_file()]
    return {
        "same": document == method.export(first)["model.onnx"],
        "opset": [one.version for one in read.opset_import],
        "metadata": [{one.key: one.value for one in read.metadata_props}, read.doc_string, read.producer_name],
        "used": used_as_told(folder, given, first),
        "folder": str(folder) in document.decode("latin-1"),
        "hostile": coded(lambda: method.export(strange)),
        "alone": predicted([first]),
        "twice": predicted([first, first]),
        "average": predicted([first, second]),
        "estimate": [method.estimate(given.recipe, 8, 4), cost.memory, cost.pixels, cost.checkpoint],
        "checkpoint": sum(one.stat().st_size for one in (given.workdir / "checkpoint.pt", *kept)),
    }


def used_as_told(folder: Path, given: FoldTask, weights: Mapping[str, bytes]) -> list[Any]:
    """What the card's own code says of pictures, beside what the method does: [ours, onnxruntime's, ultralytics']."""
    import torch

    from pipeline import card_use
    from pipeline.weights import load_weights, save_weights
    from pipeline.yolo.base import CLASS_SCORES
    from pipeline.yolo.fold import silence

    silence()
    tensors, architecture, classes, imgsz = load_weights(weights)
    chance = torch.Generator().manual_seed(1)  # two epochs teach nothing: so that each picture gets another answer
    loud = dict(tensors)
    for name, one in tensors.items():
        if CLASS_SCORES.match(name) and name.endswith("weight"):
            loud[name] = torch.randn(one.shape, generator=chance) * 2
        elif name.endswith("bn.weight"):
            loud[name] = one * 2.5
    weights, _ = save_weights(loud, architecture, classes, imgsz)
    found = []
    place = folder / "used"
    place.mkdir()
    (place / "model.onnx").write_bytes(YOLOv8().export(weights)["model.onnx"])
    for number, size in enumerate(((160, 120), (90, 130), (64, 64), (300, 41))):
        (place / f"{number}.png").write_bytes(encode(scene(number + 20, size)))
    os.chdir(place)
    for mirrored in (False, True):
        recipe = {**given.recipe, "evaluation": {**given.recipe["evaluation"], "mirrored": mirrored}}
        said: dict[str, Any] = {}
        side = int(recipe["training"]["imgsz"])
        code = card_use.picture(side, "0.002000"), card_use.onnx(mirrored), card_use.ultralytics("0.0001")
        exec("\n".join(code), said)
        for path in sorted(place.glob("*.png")):
            (ours,) = YOLOv8().predict([weights], [path.read_bytes()], recipe, given.classes)
            kind, score, *_ = ours[0]
            label = given.classes[kind] if score >= 2_000 else "nothing"
            theirs = [said["predict"](str(path)), said["predict_with_ultralytics"](str(path))]
            found.append([mirrored, [label, score / 1_000_000], *theirs])
    return found


def precise(folder: Path) -> dict[str, Any]:
    """The same fold in bfloat16, where this processor computes in it, and with its first layers left as they are."""
    from pipeline.yolo.precision import has_bf16

    whole = train(task(folder / "a", epochs=1))
    frozen = train(task(folder / "b", epochs=1, freeze=3, base=whole.weights))
    found: dict[str, Any] = {"plain": whole.tensors, "moved": moved(whole.weights, frozen.weights), "bf16": None}
    if has_bf16("cpu"):
        found["bf16"] = [train(task(folder / one, epochs=1, precision="bf16")).tensors for one in ("c", "d")]
    return found


def moved(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, bool]:
    """Whether the weights of a first and of a later convolution changed."""
    from safetensors.numpy import load

    one, other = load(before["weights.safetensors"]), load(after["weights.safetensors"])
    names = ("model.0.conv.weight", "model.21.cv1.conv.weight")
    return {name: bool(np.any(one[name] != other[name])) for name in names}


def main() -> None:
    for name in ("connect", "connect_ex", "sendto", "bind"):
        setattr(socket.socket, name, refuse)
    socket.getaddrinfo = socket.create_connection = refuse
    result = globals()[sys.argv[1]](Path(sys.argv[2]))
    result["threads"] = sys.modules["torch"].get_num_threads()
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
