"""The average of an image and its mirror image: every place of the network's output comes back to where it lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.resize import Letterbox
from pipeline.yolo.model import build_model, infer, mirror_back

STRIDES = (8, 16, 32)


def _centres(size: int) -> torch.Tensor:
    """(1, 2, places) x and y of every place, in the order of the network's own output."""
    rows = [
        (stride * (x + 0.5), stride * (y + 0.5)) for stride in STRIDES for y, x in np.ndindex(*(size // stride,) * 2)
    ]
    return torch.tensor(rows).T[None]


@pytest.mark.parametrize("size", [32, 96, 160])
def test_each_place_comes_back_to_its_own(size: int) -> None:
    x, y = _centres(size).unbind(1)
    score = 1000 * y + x  # tells where in the mirrored square it was seen
    back = mirror_back(torch.stack([x, y, x * 0 + 4, y * 0 + 6, score], dim=1), size)
    assert torch.equal(back[0], torch.stack([x[0], y[0], x[0] * 0 + 4, y[0] * 0 + 6, 1000 * y[0] + size - x[0]]))


def test_an_image_and_its_mirror_image_are_judged_alike() -> None:
    torch.manual_seed(5)
    model = build_model("yolov8n", ("a", "b"))
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0  # one look, and features are no longer all alike
    model.train()(torch.rand(4, 3, 96, 96))
    for layers in model.eval().model[-1].cv3:
        layers[-1].weight.data.normal_(0, 0.002)
    pixels = np.random.default_rng(5).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    place = Letterbox(96, 96, 96)
    best = [
        infer([model], np.ascontiguousarray(image), place, 0.0, mirrored=mirrored)[0][1]
        for image, mirrored in ((pixels, True), (pixels[:, ::-1], True), (pixels, False))
    ]
    assert abs(best[0] - best[1]) <= 2  # millionths
    assert abs(best[0] - best[2]) > 2
