"""Images by row of one array in memory, labels from the task (docs/adr/0005): no file is opened."""

from __future__ import annotations

from typing import Any

import numpy as np
from ultralytics.data.dataset import YOLODataset

from pipeline.workspace import yolo_boxes
from registry.core.ports.method import FoldTask


class ArrayDataset(YOLODataset):  # type: ignore[misc]
    """Images by row of one array; labels from the task. ``img_path`` is the list of sha256s."""

    def __init__(self, fold_task: FoldTask, pixels: np.ndarray[Any, Any], **arguments: Any) -> None:
        self._task, self._pixels = fold_task, pixels
        super().__init__(**arguments)

    def get_img_files(self, img_path: list[str]) -> list[str]:
        """Names only; no file is opened."""
        return [f"{name}.png" for name in img_path]

    def check_cache_ram(self, *_: Any, **__: Any) -> bool:
        """All images are in memory already."""
        return True

    def cache_images(self) -> None:
        """Nothing to do."""

    def get_labels(self) -> list[dict[str, Any]]:
        """One label a box, normalised to the square."""
        return [self._label(bytes.fromhex(name.removesuffix(".png")), name) for name in self.im_files]

    def _label(self, sha256: bytes, name: str) -> dict[str, Any]:
        boxes, size = yolo_boxes(self._task, sha256), self._pixels.shape[1]
        label = self._task.labels[sha256] or 0  # of no box where nothing is to be found
        return {
            "im_file": name,
            "shape": (size, size),
            "cls": np.full((len(boxes), 1), label, np.float32),
            "bboxes": boxes,
            "segments": [],
            "keypoints": None,
            "normalized": True,
            "bbox_format": "xywh",
        }

    def load_image(
        self, i: int, rect_mode: bool = True, resize_short: bool = False
    ) -> tuple[np.ndarray[Any, Any], tuple[int, int], tuple[int, int]]:
        """A copy of a row, BGR as OpenCV has it."""
        sha256 = bytes.fromhex(self.im_files[i].removesuffix(".png"))
        image = np.ascontiguousarray(self._pixels[self._task.index[sha256]][..., ::-1])
        return image, image.shape[:2], image.shape[:2]
