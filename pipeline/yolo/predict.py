"""Published weights on encoded images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.recipes.schema import check_values
from pipeline.resize import Letterbox, resize
from pipeline.weights import load_weights
from pipeline.yolo.model import infer, load_model
from registry.core.errors import InvalidInput, Untrusted
from registry.core.ports.method import Detection
from registry.imaging.decode import Undecodable, decode

if TYPE_CHECKING:
    from PIL.Image import Image
    from ultralytics.nn.tasks import DetectionModel


def predict(
    weights: Sequence[Mapping[str, bytes]], images: Iterable[bytes], recipe: Mapping[str, Any], classes: tuple[str, ...]
) -> Iterator[tuple[Detection, ...]]:
    """Detections of each image, by the weights or by the average of several. ``InvalidInput`` for an unreadable image,
    ``Untrusted`` for weights of other classes or of different image sizes.
    """
    check_values(recipe)  # a stranger's release: how many threads, how large an image
    models, size = _models(weights, int(recipe["training"]["threads"]), classes)
    judging = recipe["evaluation"]
    for data in images:
        image = decoded(data, int(recipe["preprocess"]["max_pixels"]))
        place = Letterbox(*image.size, size)
        yield infer(models, resize(image, size), place, float(judging["floor"]), mirrored=bool(judging["mirrored"]))


def _models(
    weights: Sequence[Mapping[str, bytes]], threads: int, classes: tuple[str, ...]
) -> tuple[list[DetectionModel], int]:
    """The models and their one image size."""
    models, sizes = [], set()
    for files in weights:
        tensors, architecture, names, imgsz = load_weights(files)
        if names != classes:
            raise Untrusted(f"the weights have classes {names}, but the snapshot has {classes}", code="class_order")
        models.append(load_model(tensors, architecture, names, threads))
        sizes.add(imgsz)
    if len(sizes) != 1:
        raise Untrusted(f"weights of image sizes {sorted(sizes)} can't be averaged", code="hostile_weights")
    return models, sizes.pop()


def decoded(data: bytes, max_pixels: int) -> Image:
    """An image. ``InvalidInput`` for one that can't be read."""
    try:
        return decode(data, max_pixels)
    except Undecodable as error:
        raise InvalidInput(
            f"an image can't be read ({error})", code=error.reason, hint="give a JPEG or PNG."
        ) from error
