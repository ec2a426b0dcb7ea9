"""The documented method: cleaning with pandas, YOLOv8 by ultralytics. Implements ``registry.core.method.Method``."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import recipe as recipes
from pipeline.labels import choose_boxes
from registry.core.errors import InvalidInput, Untrusted
from registry.core.method import Detection, FoldOutcome, FoldTask, Item, Prepared, Progress

Read = Callable[[bytes], bytes]
SOFTWARE = ("ultralytics", "torch", "torchvision", "numpy", "pandas", "pillow", "opencv-python", "safetensors")


class YOLOv8:
    """Detection of one label an image, its boxes supplied or the full frame."""

    id = "yolov8"
    version = "1"

    def recipes(self) -> tuple[str, ...]:
        """Names of the recipes it brings."""
        return recipes.recipe_names()

    def recipe(self, name_or_file: str, overrides: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """A recipe's name and checked values."""
        return recipes.load_recipe(name_or_file, overrides)

    def check(self, values: Mapping[str, Any]) -> None:
        """``InvalidInput`` unless these values hold."""
        recipes.check_values(values)

    def preprocess(
        self, items: Sequence[Item], read: Read, recipe: Mapping[str, Any], progress: Progress
    ) -> tuple[Prepared, ...]:
        """Clean, group, choose boxes; one row an item, sorted by sha256."""
        from pipeline.clean import clean

        recipes.check_values(recipe)
        table = clean(items, read, recipe["preprocess"], progress)
        supplied = {item.sha256: item.boxes for item in items}
        return tuple(_prepared(row, supplied[row["sha256"]]) for row in table.to_dict("records"))

    def materialize(
        self, prepared: Sequence[Prepared], read: Read, recipe: Mapping[str, Any], array: Path, progress: Progress
    ) -> dict[bytes, int]:
        """Make the kept pixels into one .npy (n, size, size, 3), or take the one that is there."""
        rows = sorted((row for row in prepared if row.reason is None), key=lambda row: row.sha256)
        index = {row.sha256: number for number, row in enumerate(rows)}
        if array.exists():
            return index
        _make_array(rows, read, recipe["preprocess"], array, progress)
        return index

    def train_fold(self, task: FoldTask, report: Callable[[Mapping[str, Any]], None]) -> FoldOutcome:
        """Train and predict one fold."""
        recipes.check_values(task.recipe)
        if not task.validate or not task.train:
            raise InvalidInput("a fold needs images on both sides: use fewer folds, or more images", code="empty_fold")
        _quiet_place(task.workdir)
        from pipeline import train
        from pipeline.weights import load_weights, save_weights

        base = load_weights(task.base)[0] if task.base else None
        trainer = train.run_fold(task, base, report)
        floor = float(task.recipe["evaluation"]["floor"])
        predictions = train.predict_fold(trainer, task, floor)
        wanted = task.recipe["training"]
        files, digest = save_weights(
            trainer.ema.ema.state_dict(), str(wanted["model"]), task.classes, int(wanted["imgsz"])
        )
        return FoldOutcome(
            weights=files,
            tensors=digest,
            arguments=_plain(train.arguments_of(task)),
            hardware=hardware(),
            events=tuple(trainer.events),
            history=tuple(trainer.history),
            predictions=predictions,
        )

    def predict(
        self,
        weights: Mapping[str, bytes],
        images: Iterable[bytes],
        recipe: Mapping[str, Any],
        classes: tuple[str, ...],
    ) -> Iterable[tuple[Detection, ...]]:
        """Run published weights on encoded images."""
        from pipeline import train
        from pipeline.decode import Undecodable, decode
        from pipeline.resize import Letterbox, resize
        from pipeline.weights import load_weights

        tensors, architecture, names, imgsz = load_weights(weights)
        if names != classes:
            raise Untrusted(f"the weights name classes {names}, the snapshot {classes}", code="class_order")
        model = train.load_model(tensors, architecture, names, imgsz)
        for data in images:
            try:
                image = decode(data, int(recipe["preprocess"]["max_pixels"]))
            except Undecodable as error:
                raise InvalidInput(
                    f"an image can't be read ({error}): give a JPEG or PNG", code=error.reason
                ) from error
            place = Letterbox(*image.size, imgsz)
            yield train.infer(model, resize(image, imgsz), place, float(recipe["evaluation"]["floor"]))

    def environment(self) -> dict[str, str]:
        """Versions of all software that affects bits, and the kind of processor."""
        found = {name: metadata.version(name) for name in SOFTWARE}
        return {**found, "python": platform.python_version(), "system": platform.system(), **hardware()}


def _prepared(row: Mapping[Any, Any], supplied: Sequence[tuple[int, int, int, int]]) -> Prepared:
    kept = row["reason"] is None
    boxes, source = choose_boxes(supplied, row["width"], row["height"]) if kept else ((), "")
    return Prepared(
        sha256=row["sha256"],
        width=int(row["width"]),
        height=int(row["height"]),
        pixels=row["pixels"] if kept else None,
        boxes=boxes,
        box_source=source,
        group=row["group"],
        reason=row["reason"],
        measured=row["measured"],
    )


def _make_array(
    rows: Sequence[Prepared], read: Read, rules: Mapping[str, Any], array: Path, progress: Progress
) -> None:
    from pipeline.decode import decode
    from pipeline.resize import pixels_digest, resize

    size = int(rules["size"])
    temporary = array.with_suffix(".tmp")
    made = np.lib.format.open_memmap(temporary, "w+", np.uint8, (len(rows), size, size, 3))
    for number, row in enumerate(rows):
        pixels = resize(decode(read(row.sha256), int(rules["max_pixels"])), size)
        if pixels_digest(pixels) != row.pixels:
            raise Untrusted(
                f"image {row.sha256.hex()} gives other pixels here than when it was preprocessed", code="pixels_differ"
            )
        made[number] = pixels
        progress("pixels", number + 1, len(rows))
    made.flush()
    del made
    temporary.replace(array)


def _quiet_place(workdir: Path) -> None:
    """A configuration folder of the job's own, with fonts, so that ultralytics asks nobody for anything."""
    import shutil

    import matplotlib

    folder = workdir / "config" / "Ultralytics"
    folder.mkdir(parents=True, exist_ok=True)
    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    for name in ("Arial.ttf", "Arial.Unicode.ttf"):
        if not (folder / name).exists():
            shutil.copy(font, folder / name)
    os.environ["YOLO_CONFIG_DIR"] = str(folder.parent)


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as a record holds them: no floats, no paths of this machine."""
    left_out = {"project", "name", "exist_ok", "data"}
    return {
        name: format(value, ".8g") if isinstance(value, float) else value
        for name, value in arguments.items()
        if name not in left_out
    }


def hardware() -> dict[str, str]:
    """The kind of processor, which decides bits."""
    model = platform.processor() or platform.machine()
    flags = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                model = value.strip()
            if name.strip() == "flags":
                flags = " ".join(sorted({"avx2", "avx512f", "avx512_bf16", "amx_tile"} & set(value.split())))
                break
    return {"processor": model, "instructions": flags, "machine": platform.machine()}
