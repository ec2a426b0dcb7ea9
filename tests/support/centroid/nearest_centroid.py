"""A whole training method in one file, with numpy and Pillow alone: the example of docs/methods.md.

A class's centroid is the mean of its training pictures' pixels. A picture is of the class whose centroid is nearest;
the nearer, compared with the others, the higher its score. All is computed in integers, or in float64 in one fixed
order, so that the same pictures give the same bytes on every machine.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from registry.core.draw import union_groups
from registry.core.errors import InvalidInput, Untrusted
from registry.core.labeling.boxes import boxes_within, full_frame
from registry.core.ports.method import (
    Cost,
    Detection,
    FoldOutcome,
    FoldTask,
    Item,
    Losses,
    MethodCard,
    Option,
    Prepared,
    Progress,
    Row,
)
from registry.core.recipe_versions import read_values
from registry.core.weights import MODEL, check_folder, weights_digest
from registry.imaging.decode import Undecodable, decode

CENTROIDS = "centroids.npy"
MAX_PIXELS = 50_000_000
LOSSES = Losses(training=("train/distance",), validation=("val/distance",))
OPTIONS = (
    Option(name="folds", low=2, high=20, help="the number of folds"),
    Option(name="seed", low=0, high=(1 << 32) - 1, help="what the folds are drawn from, where no chain draws them"),
    Option(name="size", low=4, high=64, help="the side of the square in pixels", saves=("memory", "disk")),
)
RECIPE: dict[str, Any] = {
    "seed": 1,
    "final": "fold:0",
    "folds": {"k": 3, "repeats": 1},
    "preprocess": {"size": 16},
    "evaluation": {
        "threshold": "0.100000",
        "threshold_rule": "fixed",
        "floor": "0.010000",
        "rounds": 1000,
        "min_group": 3,
        "confidence": "0.95",
    },
}
USAGE = """\
A picture is turned upright and scaled to a square of {size} pixels, RGB. The weights are one array of numpy, a row a
class in the order of `model.json`; the class of the nearest row is the prediction.

```python
import numpy as np

centroids = np.load("centroids.npy", allow_pickle=False)  # classes, {size} x {size} x 3

def predict(pixels):  # uint8, {size} x {size} x 3
    return int(((centroids - pixels.reshape(-1)) ** 2).sum(axis=1).argmin())
```
"""


class NearestCentroid:
    """A picture's class by the nearest mean picture."""

    id = "nearest-centroid"
    version = "1"
    recipe_version = 1

    # -- what it is --------------------------------------------------------------------------------------------------

    def about(self) -> MethodCard:
        """What it says of itself."""
        return MethodCard(
            name="Nearest centroid",
            licence="CC0-1.0",
            library=None,
            task="image-classification",
            losses=LOSSES,
            packages=("nearest_centroid",),
            recipe="plain",
            options=OPTIONS,
            format="centroids",
            files=(CENTROIDS, MODEL),
            base_kinds=(),
        )

    def recipes(self) -> tuple[str, ...]:
        """One."""
        return ("plain",)

    def recipe(self, name_or_file: str, overrides: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The plain recipe with other values, each within its bounds."""
        if name_or_file != "plain":
            raise InvalidInput(f"{name_or_file!r} is no recipe here", code="unknown_recipe", hint="use plain.")
        values = json.loads(json.dumps(RECIPE))
        places = {"folds": ("folds", "k"), "size": ("preprocess", "size")}
        for name, value in overrides.items():
            if name not in {one.name for one in OPTIONS}:
                raise InvalidInput(f"{name!r} is no value of this recipe", code="bad_recipe")
            section, key = places.get(name, (None, name))
            (values if section is None else values[section])[key] = value
        return "plain", self.read_recipe(1, values)

    def read_recipe(self, version: int, values: Mapping[str, Any]) -> dict[str, Any]:
        """The same keys as the plain recipe, and a size within bounds. Figures' values are the registry's to check."""
        found = read_values(self.id, version, values, ())
        if set(found) != set(RECIPE) or not isinstance(found["preprocess"], Mapping):
            raise InvalidInput("these are not the keys of this method's recipe", code="bad_recipe")
        size = found["preprocess"].get("size")
        if set(found["preprocess"]) != {"size"} or type(size) is not int or not 4 <= size <= 64:
            raise InvalidInput("preprocess.size must be a number from 4 to 64", code="bad_recipe")
        return found

    def cost(self, recipe: Mapping[str, Any], images: int) -> Cost:
        """Little: the pixels are held twice."""
        pixels = images * int(recipe["preprocess"]["size"]) ** 2 * 3
        return Cost(memory=(200 << 20) + 2 * pixels, threads=1, epochs=1, pixels=pixels, checkpoint=0)

    def environment(self) -> dict[str, str]:
        """What decides bits."""
        named = {name: metadata.version(name) for name in ("numpy", "pillow")}
        return {**named, "python": platform.python_version(), "machine": platform.machine()}

    # -- from images to pixels ---------------------------------------------------------------------------------------

    def tools(self, recipe: Mapping[str, Any]) -> dict[str, bytes]:
        """None."""
        return {}

    def measure(
        self, items: Sequence[Item], read: Callable[[bytes], bytes], recipe: Mapping[str, Any], progress: Progress
    ) -> Iterator[Row]:
        """Size and pixels of each picture, or why it can't be decoded."""
        for done, item in enumerate(items, 1):
            try:
                pixels, width, height = square(read(item.sha256), recipe)
                yield {"sha256": item.sha256, "width": width, "height": height, "pixels": digest(pixels), "why": None}
            except Undecodable as error:
                yield {"sha256": item.sha256, "width": 0, "height": 0, "pixels": None, "why": str(error)}
            progress("clean", done, len(items))

    def preprocess(self, items: Sequence[Item], rows: Sequence[Row], recipe: Mapping[str, Any]) -> tuple[Prepared, ...]:
        """Drop what can't be decoded; one person, and equal pixels, are one group."""
        measured = {row["sha256"]: row for row in rows}
        first: dict[Any, bytes] = {}
        same: list[tuple[bytes, bytes]] = []
        for item in items:
            for mark in (("person", item.subject), ("pixels", measured[item.sha256]["pixels"])):
                if mark[1] is not None:
                    same.append((item.sha256, first.setdefault(mark, item.sha256)))
        groups = union_groups(same, [item.sha256 for item in items])
        ordered = sorted(items, key=lambda one: one.sha256)
        return tuple(prepared(item, measured[item.sha256], groups[item.sha256]) for item in ordered)

    def materialize(
        self,
        prepared: Sequence[Prepared],
        read: Callable[[bytes], bytes],
        recipe: Mapping[str, Any],
        array: Path,
        progress: Progress,
    ) -> dict[bytes, int]:
        """All pixels in one file, compared with what was recorded."""
        found = []
        for done, row in enumerate(prepared, 1):
            pixels, _, _ = square(read(row.sha256), recipe)
            if digest(pixels) != row.pixels:
                raise Untrusted(f"the pixels of image {row.sha256.hex()} are not those on record", code="pixels_differ")
            found.append(pixels)
            progress("pixels", done, len(prepared))
        np.save(array, np.stack(found))
        return {row.sha256: index for index, row in enumerate(prepared)}

    # -- from pixels to weights --------------------------------------------------------------------------------------

    def estimate(self, recipe: Mapping[str, Any], images: int, classes: int) -> int:
        """A second."""
        return 1

    def second_try(self, recipe: Mapping[str, Any], code: str) -> dict[str, Any] | None:
        """Never: it would fail alike."""
        return None

    def train_fold(self, task: FoldTask, report: Callable[[Mapping[str, Any]], None]) -> FoldOutcome:
        """The mean of each class's pictures; the distances of the others."""
        pixels = np.load(task.array, mmap_mode="r", allow_pickle=False)
        taught = [sha256 for sha256 in task.train if task.labels[sha256] is not None]
        centroids = np.stack(
            [
                flat([pixels[task.index[one]] for one in taught if task.labels[one] == label], pixels[0].size)
                for label in range(len(task.classes))
            ]
        )
        judged = {one: distances(centroids, pixels[task.index[one]]) for one in task.validate}
        values = {"train/distance": mean(task, taught, lambda one: distances(centroids, pixels[task.index[one]]))}
        if judged:
            values["val/distance"] = mean(task, [one for one in judged if task.labels[one] is not None], judged.get)
        report({"epoch": 1, "epochs": 1, **values})
        files = weights(centroids, task.classes, int(task.recipe["preprocess"]["size"]))
        return FoldOutcome(
            weights=files,
            tensors=weights_digest(files),
            arguments=arguments(task.recipe, task.seed),
            hardware={"machine": platform.machine()},
            events=(),
            history=((1, values, None),),
            predictions={one: detections(found, task.rows[one]) for one, found in judged.items()},
        )

    # -- weights in use ----------------------------------------------------------------------------------------------

    def read_base(self, path: Path) -> dict[str, bytes]:
        """None: a mean begins from nothing."""
        raise InvalidInput("this method begins from nothing", code="no_base", hint="leave --base out.")

    def check_base(self, files: Mapping[str, bytes], recipe: Mapping[str, Any]) -> None:
        """None."""
        raise InvalidInput("this method begins from nothing", code="no_base", hint="leave --base out.")

    def export(self, weights: Mapping[str, bytes]) -> dict[str, bytes]:
        """None."""
        raise InvalidInput("this method has no ONNX", code="no_export", hint="publish without --onnx.")

    def run_export(
        self, files: Mapping[str, bytes], images: Iterable[bytes], recipe: Mapping[str, Any], classes: tuple[str, ...]
    ) -> Iterator[tuple[Detection, ...]]:
        """None."""
        raise InvalidInput("this method has no ONNX", code="no_export", hint="publish without --onnx.")

    def predict(
        self,
        weights: Sequence[Mapping[str, bytes]],
        images: Iterable[bytes],
        recipe: Mapping[str, Any],
        classes: tuple[str, ...],
    ) -> Iterator[tuple[Detection, ...]]:
        """By the mean of the given centroids."""
        size = int(recipe["preprocess"]["size"])
        centroids = np.mean([read_weights(files, classes, size) for files in weights], axis=0)
        for data in images:
            try:
                pixels, width, height = square(data, recipe)
            except Undecodable as error:
                raise InvalidInput(f"an image can't be read ({error})", code=error.reason) from error
            yield scored(distances(centroids, pixels), full_frame(width, height))

    def usage(self, recipe: Mapping[str, Any], threshold: str) -> str:
        """For the card."""
        return USAGE.format(size=int(recipe["preprocess"]["size"]))

    # -- what an audit asks ------------------------------------------------------------------------------------------

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
        """One pass, as the recipe says, of which nothing else is kept."""
        if arguments != {"size": recipe["preprocess"]["size"], "seed": seed} or [*epochs] != [1]:
            raise InvalidInput("it was not trained as the recipe says", code="other_training")
        if events or states or checkpoints:
            raise InvalidInput("it tells of what this method does not do", code="other_training")

    def same_bits(
        self, hardware: Mapping[str, str], events: Sequence[Mapping[str, Any]], environment: Mapping[str, str]
    ) -> bool:
        """Integers and float64 in one order: with the same numpy, on every machine of this kind."""
        here = self.environment()
        return hardware == {"machine": here["machine"]} and environment.get("numpy") == here["numpy"]

    def check_model(self, recipe: Mapping[str, Any], model: Mapping[str, Any]) -> None:
        """The recipe's size."""
        if model.get("size") != recipe["preprocess"]["size"]:
            raise InvalidInput("its size is not the recipe's", code="other_weights")


def square(data: bytes, recipe: Mapping[str, Any]) -> tuple[Any, int, int]:
    """Pixels of a square, and the upright picture's width and height. ``Undecodable``."""
    from PIL import Image

    size = int(recipe["preprocess"]["size"])
    picture = decode(data, MAX_PIXELS)
    small = picture.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(small, np.uint8), *picture.size


def digest(pixels: Any) -> bytes:
    """As PREPARED holds it."""
    height, width, _ = pixels.shape
    return hashlib.sha256(f"{height}x{width}x3:uint8:".encode() + pixels.tobytes()).digest()


def prepared(item: Item, row: Row, group: bytes) -> Prepared:
    """One row of PREPARED."""
    kept, width, height = row["why"] is None, row["width"], row["height"]
    boxes, source = boxes_within(item.boxes, width, height), "supplied"
    if item.label is None:
        boxes, source = (), "nothing"
    elif not boxes:
        boxes, source = (full_frame(width, height),), "full_frame"
    return Prepared(
        sha256=item.sha256,
        width=width,
        height=height,
        pixels=row["pixels"],
        boxes=boxes if kept else (),
        box_source=source if kept else "",
        group=group,
        reason=None if kept else "undecodable",
        measured=row["why"],
    )


def flat(pictures: Sequence[Any], width: int) -> Any:
    """The mean of some pictures as one row; far from everything where there is none."""
    if not pictures:
        return np.full(width, 1e6)
    return np.mean([picture.reshape(-1).astype(np.float64) for picture in pictures], axis=0)


def distances(centroids: Any, pixels: Any) -> Any:
    """Root mean squares of the differences from each centroid."""
    return np.sqrt(((centroids - pixels.reshape(-1)) ** 2).mean(axis=1))


def mean(task: FoldTask, images: Sequence[bytes], of: Callable[[bytes], Any]) -> str:
    """The mean distance from one's own class, as a decimal of six places."""
    found = [float(of(one)[task.labels[one]]) for one in images]
    return f"{sum(found) / max(1, len(found)):.6f}"


def scored(found: Any, box: tuple[int, int, int, int]) -> tuple[Detection, ...]:
    """A detection a class, by falling score; the scores are shares of all nearness."""
    near = 1 / (found + 1e-9)
    scores = [round(1_000_000 * share) for share in (near / near.sum()).tolist()]
    ordered = sorted(range(len(scores)), key=lambda label: (-scores[label], label))
    return tuple((label, scores[label], *box) for label in ordered)


def detections(found: Any, row: Prepared) -> tuple[Detection, ...]:
    """Those of a picture that is judged: it looks at the whole picture."""
    return scored(found, full_frame(row.width, row.height))


def arguments(recipe: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """What a training record says."""
    return {"size": recipe["preprocess"]["size"], "seed": seed}


def weights(centroids: Any, classes: Sequence[str], size: int) -> dict[str, bytes]:
    """The files of a weights folder."""
    data = io.BytesIO()
    np.save(data, centroids, allow_pickle=False)
    model = {"architecture": "centroids", "names": list(classes), "size": size}
    return {CENTROIDS: data.getvalue(), MODEL: json.dumps(model, sort_keys=True, ensure_ascii=False).encode()}


def read_weights(files: Mapping[str, bytes], classes: tuple[str, ...], size: int) -> Any:
    """Centroids of checked files. ``Untrusted`` for a stranger's that are none, or of other classes."""
    model = check_folder(files)
    try:
        found = np.load(io.BytesIO(files[CENTROIDS]), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise Untrusted("the centroids are no array", code="hostile_weights") from error
    if tuple(model["names"]) != classes or found.shape != (len(classes), size * size * 3) or found.dtype != np.float64:
        raise Untrusted("the centroids are of other classes, or of another size", code="hostile_weights")
    return found
