"""The documented method: cleaning with pandas, YOLOv8 by ultralytics (``registry.core.ports.method.Method``)."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from pipeline import recipe as recipes
from pipeline.about import CARD, check_model
from pipeline.card_use import usage
from pipeline.hardware import hardware
from pipeline.label_boxes import choose_boxes
from registry.core.errors import InvalidInput, Untrusted
from registry.core.extras import need
from registry.core.ports.method import (
    Box,
    Cost,
    Detection,
    FoldOutcome,
    FoldTask,
    Item,
    MethodCard,
    Prepared,
    Progress,
    Row,
)

Read = Callable[[bytes], bytes]
SOFTWARE = ("ultralytics", "torch", "torchvision", "numpy", "pandas", "pillow", "opencv-python", "safetensors")
DECODERS = ("libjpeg_turbo", "littlecms2", "webp", "zlib", "libtiff")  # within Pillow: they decide pixels


class YOLOv8:
    """Detection of one label an image, its boxes supplied or the full frame."""

    id = "yolov8"
    version = "1"
    recipe_version = recipes.VERSION

    def about(self) -> MethodCard:
        """What it says of itself."""
        return CARD

    def recipes(self) -> tuple[str, ...]:
        """Names of the recipes it brings."""
        return recipes.recipe_names()

    def recipe(self, name_or_file: str, overrides: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """A recipe's name and checked values."""
        return recipes.load_recipe(name_or_file, overrides)

    def read_recipe(self, version: int, values: Mapping[str, Any]) -> dict[str, Any]:
        """A record's values with all that came after its version."""
        return recipes.read_recipe(version, values)

    def tools(self, recipe: Mapping[str, Any]) -> dict[str, bytes]:
        """The detector's weights, where the recipe asks for one."""
        _ready()
        if recipe["preprocess"]["detector"] == "none":
            return {}
        from pipeline.faces import FILE, weights

        return {Path(FILE).name: weights()}

    def measure(
        self, items: Sequence[Item], read: Read, recipe: Mapping[str, Any], progress: Progress
    ) -> Iterable[Row]:
        """One row an item, in their order."""
        from pipeline.clean import measure

        recipes.check_values(recipe)
        return measure(items, read, recipe["preprocess"], progress)

    def preprocess(self, items: Sequence[Item], rows: Sequence[Row], recipe: Mapping[str, Any]) -> tuple[Prepared, ...]:
        """Drop copies, group, choose boxes; one row an item, sorted by sha256."""
        from pipeline.clean import select

        recipes.check_values(recipe)
        supplied = {item.sha256: None if item.label is None else item.boxes for item in items}
        if sorted(row["sha256"] for row in rows) != sorted(supplied):
            raise InvalidInput("the rows do not match the items", code="rows_differ")
        table = select(rows, recipe["preprocess"])
        names = list(table.columns)
        cells = (
            dict(zip(names, one, strict=True)) for one in table.itertuples(index=False, name=None)
        )  # one at a time
        return tuple(_prepared(row, supplied[row["sha256"]]) for row in cells)

    def materialize(
        self, prepared: Sequence[Prepared], read: Read, recipe: Mapping[str, Any], array: Path, progress: Progress
    ) -> dict[bytes, int]:
        """Make the kept pixels into one .npy (n, size, size, 3), or take the one that is there and whole."""
        _ready()
        from pipeline.workspace import prepare_array

        return prepare_array(prepared, read, recipe["preprocess"], array, progress)

    def train_fold(self, task: FoldTask, report: Callable[[Mapping[str, Any]], None]) -> FoldOutcome:
        """Train and predict one fold."""
        recipes.check_values(task.recipe)
        if not task.train or (task.fold is not None and not task.validate):
            raise InvalidInput(
                "a fold needs images to train on and images to judge",
                code="empty_fold",
                hint="use fewer folds, or more images.",
            )
        task.workdir.mkdir(parents=True, exist_ok=True)
        from pipeline.arguments import recorded
        from pipeline.weights import fits, save_weights
        from pipeline.yolo.fold import load_base, predict_fold, run_fold

        if task.base:
            fits(task.base, task.recipe)
        trainer = run_fold(task, load_base(task.base) if task.base else None, report)
        predictions = predict_fold(trainer, task, report)
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
            checkpoints=tuple(trainer.saved_states),
            predictions=predictions,
        )

    def check_training(
        self,
        recipe: Mapping[str, Any],
        *,
        version: int,
        seed: int,
        arguments: Mapping[str, Any],
        events: Sequence[Mapping[str, Any]],
        epochs: Sequence[int],
        states: Sequence[int],
        checkpoints: Sequence[int],
    ) -> None:
        """As ``arguments.check_recorded``."""
        from pipeline.arguments import check_recorded
        from pipeline.state_epochs import check_states

        check_recorded(recipe, seed, arguments, events, epochs, recipes.later_arguments(version))
        check_states(recipe, epochs, states, checkpoints)

    def second_try(self, recipe: Mapping[str, Any], code: str) -> dict[str, Any] | None:
        """Half the batch after ``out_of_memory``, half of lr0 after ``diverged``, where the recipe allows it."""
        return recipes.second_try(recipe, code)

    def estimate(self, recipe: Mapping[str, Any], images: int, classes: int) -> int:
        """Seconds of one fold of so many images here, by a step that is really done."""
        _ready()
        from pipeline import cost
        from pipeline.yolo.probe import seconds_a_step

        recipes.check_values(recipe)
        wanted = recipe["training"]
        steps = int(wanted["epochs"]) * -(-images // int(wanted["batch"]))
        return cost.STARTING + round(steps * seconds_a_step(wanted, classes))

    def cost(self, recipe: Mapping[str, Any], images: int) -> Cost:
        """What one fold takes at most."""
        from pipeline import cost

        wanted = recipe["training"]
        return Cost(
            memory=cost.memory(wanted),
            threads=int(wanted["threads"]),
            epochs=int(wanted["epochs"]),
            pixels=cost.pixels(recipe, images),
            checkpoint=cost.checkpoint(recipe),
        )

    def read_base(self, path: Path) -> dict[str, bytes]:
        """Files of a weights directory from a folder, a .safetensors, an .onnx or a .pt."""
        _ready()
        from pipeline.convert import read_base

        return read_base(path)

    def check_base(self, files: Mapping[str, bytes], recipe: Mapping[str, Any]) -> None:
        """All tensors of the architecture that the recipe trains; the classes may be others."""
        _ready()
        from pipeline.convert import check
        from pipeline.weights import fits

        fits(files, recipe)
        check(files)

    def export(self, weights: Mapping[str, bytes]) -> dict[str, bytes]:
        """``model.onnx``, compared with the weights before it is given out."""
        _ready()
        from pipeline.yolo.export import to_onnx

        return {"model.onnx": to_onnx(weights)}

    def predict(
        self,
        weights: Sequence[Mapping[str, bytes]],
        images: Iterable[bytes],
        recipe: Mapping[str, Any],
        classes: tuple[str, ...],
    ) -> Iterable[tuple[Detection, ...]]:
        """Run published weights, or the average of several, on encoded images."""
        _ready()
        from pipeline.resize import Letterbox, resize
        from pipeline.weights import load_weights
        from pipeline.yolo.model import infer, load_model
        from registry.imaging.decode import Undecodable, decode

        recipes.check_values(recipe)  # a stranger's release: how many threads, how large an image
        models, sizes = [], set()
        for files in weights:
            tensors, architecture, names, imgsz = load_weights(files)
            if names != classes:
                raise Untrusted(f"the weights have classes {names}, but the snapshot has {classes}", code="class_order")
            models.append(load_model(tensors, architecture, names, int(recipe["training"]["threads"])))
            sizes.add(imgsz)
        if len(sizes) != 1:
            raise Untrusted(f"weights of image sizes {sorted(sizes)} can't be averaged", code="hostile_weights")
        (imgsz,) = sizes
        for data in images:
            try:
                image = decode(data, int(recipe["preprocess"]["max_pixels"]))
            except Undecodable as error:
                raise InvalidInput(
                    f"an image can't be read ({error})", code=error.reason, hint="give a JPEG or PNG."
                ) from error
            place = Letterbox(*image.size, imgsz)
            judging = recipe["evaluation"]
            yield infer(
                models, resize(image, imgsz), place, float(judging["floor"]), mirrored=bool(judging["mirrored"])
            )

    def check_model(self, recipe: Mapping[str, Any], model: Mapping[str, Any]) -> None:
        """As ``about.check_model``."""
        check_model(recipe, model)

    def usage(self, recipe: Mapping[str, Any], threshold: str) -> str:
        """As ``card_use.usage``."""
        return usage(recipe, threshold)

    def environment(self) -> dict[str, str]:
        """Versions of all software that affects bits, and the kind of processor."""
        _ready()
        from PIL import features

        found = {name: metadata.version(name) for name in SOFTWARE}
        within = {f"pillow {name}": str(features.version(name)) for name in DECODERS}
        return {**found, **within, "python": platform.python_version(), "system": platform.system(), **hardware()}


def _ready() -> None:
    """``Unavailable`` where the packages that train are not installed (the extra ``train``)."""
    need("train", "training and predicting")


def _prepared(row: Mapping[Any, Any], supplied: Sequence[Box] | None) -> Prepared:
    """``supplied`` is None for a picture that shows nothing of any class."""
    kept = row["reason"] is None
    boxes, source = choose_boxes(supplied, row["faces"], row["width"], row["height"]) if kept else ((), "")
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
