"""The documented method: cleaning with pandas, YOLOv8 by ultralytics (``registry.core.ports.method.Method``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.about import CARD, check_model
from pipeline.card_use import usage
from pipeline.cleaning.label_boxes import choose_boxes
from pipeline.recipes import read_recipe as recipes
from pipeline.recipes.schema import check_values
from pipeline.same_bits import environment, same_bits
from registry.core.errors import InvalidInput
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
from registry.core.weights import ONNX_FILE

Read = Callable[[bytes], bytes]


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
        from pipeline.cleaning.faces import FILE, weights

        return {Path(FILE).name: weights()}

    def measure(
        self, items: Sequence[Item], read: Read, recipe: Mapping[str, Any], progress: Progress
    ) -> Iterable[Row]:
        """One row an item, in their order."""
        from pipeline.cleaning.clean import measure

        check_values(recipe)
        return measure(items, read, recipe["preprocess"], progress)

    def preprocess(self, items: Sequence[Item], rows: Sequence[Row], recipe: Mapping[str, Any]) -> tuple[Prepared, ...]:
        """Drop copies, group, choose boxes; one row an item, sorted by sha256."""
        from pipeline.cleaning.clean import select

        check_values(recipe)
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
        from pipeline.train_fold import train_fold

        return train_fold(task, report)

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

        check_values(recipe)
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

        return {ONNX_FILE: to_onnx(weights)}

    def run_export(
        self,
        files: Mapping[str, bytes],
        images: Iterable[bytes],
        recipe: Mapping[str, Any],
        classes: tuple[str, ...],
    ) -> Iterable[tuple[Detection, ...]]:
        """Run a published ONNX; confines this process for good."""
        _ready()
        from pipeline.yolo.run_onnx import run_onnx

        return run_onnx(files, images, recipe, classes)

    def predict(
        self,
        weights: Sequence[Mapping[str, bytes]],
        images: Iterable[bytes],
        recipe: Mapping[str, Any],
        classes: tuple[str, ...],
    ) -> Iterable[tuple[Detection, ...]]:
        """Run published weights, or the average of several, on encoded images."""
        _ready()
        from pipeline.yolo.predict import predict

        return predict(weights, images, recipe, classes)

    def same_bits(
        self, hardware: Mapping[str, str], events: Sequence[Mapping[str, Any]], environment: Mapping[str, str]
    ) -> bool:
        """As ``same_bits.same_bits``."""
        return same_bits(hardware, events, environment)

    def check_model(self, recipe: Mapping[str, Any], model: Mapping[str, Any]) -> None:
        """As ``about.check_model``."""
        check_model(recipe, model)

    def usage(self, recipe: Mapping[str, Any], threshold: str) -> str:
        """As ``card_use.usage``."""
        return usage(recipe, threshold)

    def environment(self) -> dict[str, str]:
        """Versions of all software that affects bits, and the kind of processor."""
        _ready()
        return environment()


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
