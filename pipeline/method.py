"""The documented method: cleaning with pandas, YOLOv8 by ultralytics. Implements ``registry.core.method.Method``."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

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
        """Make the kept pixels into one .npy (n, size, size, 3), or take the one that is there and whole."""
        from pipeline.workspace import prepare_array

        return prepare_array(prepared, read, recipe["preprocess"], array, progress)

    def train_fold(self, task: FoldTask, report: Callable[[Mapping[str, Any]], None]) -> FoldOutcome:
        """Train and predict one fold."""
        recipes.check_values(task.recipe)
        if not task.train or (task.fold is not None and not task.validate):
            raise InvalidInput("a fold needs images on both sides: use fewer folds, or more images", code="empty_fold")
        task.workdir.mkdir(parents=True, exist_ok=True)
        from pipeline import train
        from pipeline.arguments import recorded
        from pipeline.weights import load_weights, save_weights

        base = load_weights(task.base)[0] if task.base else None
        trainer = train.run_fold(task, base, report)
        predictions = train.predict_fold(trainer, task, report)
        wanted = task.recipe["training"]
        files, digest = save_weights(
            trainer.ema.ema.state_dict(), str(wanted["model"]), task.classes, int(wanted["imgsz"])
        )
        return FoldOutcome(
            weights=files,
            tensors=digest,
            arguments=recorded(task),
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
        model = train.load_model(tensors, architecture, names, int(recipe["training"]["threads"]))
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
