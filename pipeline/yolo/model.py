"""Models: built from local architectures, filled with checked tensors, run on one image at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils import ROOT, YAML, nms

from pipeline.arguments import MAX_DETECTIONS, NMS_IOU
from pipeline.resize import Letterbox
from pipeline.weights import ARCHITECTURES
from registry.core.errors import Untrusted
from registry.core.ports.method import Detection


def build_model(architecture: str, classes: tuple[str, ...]) -> DetectionModel:
    """An untrained model of a local architecture."""
    if architecture not in ARCHITECTURES:
        raise Untrusted(f"{architecture!r} is not an architecture of this method", code="hostile_weights")
    # The packaged file by its full path: a name alone is first looked for in the current folder, and run.
    layers = YAML.load(ROOT / "cfg" / "models" / "v8" / "yolov8.yaml")
    model = DetectionModel({**layers, "scale": architecture[-1]}, nc=len(classes), ch=3, verbose=False)
    model.names = dict(enumerate(classes))
    return model


def load_model(
    tensors: Mapping[str, torch.Tensor], architecture: str, classes: tuple[str, ...], threads: int
) -> DetectionModel:
    """A model with published tensors, strictly; ``Untrusted`` if they are not those of the architecture.

    The number of threads changes bits, so this sets it for the process.
    """
    torch.set_num_threads(threads)
    model = build_model(architecture, classes)
    wanted = model.state_dict()
    if {name: (t.shape, t.dtype) for name, t in wanted.items()} != {n: (t.shape, t.dtype) for n, t in tensors.items()}:
        raise Untrusted(
            f"these tensors are not those of {architecture} with {len(classes)} classes", code="hostile_weights"
        )
    model.load_state_dict(dict(tensors), strict=True)
    return model.eval()


def mirror_back(seen: torch.Tensor, size: int) -> torch.Tensor:
    """The output of a network of strides 8, 16 and 32 for a mirrored square, mirrored back.

    (1, 4 + classes, places): x, y, w, h in pixels, then scores; places by stride, row by row.
    """
    sides = [size // stride for stride in (8, 16, 32)]
    parts = seen.split([side * side for side in sides], dim=2)
    turned = [part.unflatten(2, (side, side)).flip(3).flatten(2) for part, side in zip(parts, sides, strict=True)]
    back = torch.cat(turned, dim=2)
    return torch.cat([size - back[:, :1], back[:, 1:]], dim=1)


def infer(
    models: Sequence[DetectionModel],
    pixels: np.ndarray[Any, Any],
    place: Letterbox,
    floor: float,
    *,
    mirrored: bool = False,
) -> tuple[Detection, ...]:
    """Detections of one (size, size, 3) RGB image by falling score; one image at a time, so that bits agree.

    Of several models boxes and scores are averaged place by place, before overlapping boxes are left out; with
    ``mirrored`` also those of the image and its mirror image.
    """
    networks = [lambda batch, model=model: model(batch)[0] for model in models]
    return detect(networks, len(models[0].names), pixels, place, floor, mirrored=mirrored)


def detect(
    networks: Sequence[Callable[[torch.Tensor], torch.Tensor]],
    classes: int,
    pixels: np.ndarray[Any, Any],
    place: Letterbox,
    floor: float,
    *,
    mirrored: bool,
) -> tuple[Detection, ...]:
    """As ``infer``, of networks from a batch (1, 3, size, size) in 0..1 to (1, 4 + classes, places)."""
    batch = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]).float() / 255
    with torch.inference_mode():
        seen = [network(batch) for network in networks]
        if mirrored:
            seen += [mirror_back(network(batch.flip(3)), pixels.shape[0]) for network in networks]
        found = nms.non_max_suppression(
            seen[0] if len(seen) == 1 else torch.stack(seen).mean(0),
            conf_thres=floor,
            iou_thres=NMS_IOU,
            multi_label=True,
            max_det=MAX_DETECTIONS,
            nc=classes,
            max_time_img=600.0,  # a busy machine must not cut the list short
        )[0]
    rows = [
        (int(kind), round(float(score) * 1_000_000), *place.outward(x0, y0, x1, y1))
        for x0, y0, x1, y1, score, kind in found.double().tolist()
    ]
    return tuple(sorted(rows, key=lambda row: (-row[1], *row)))
