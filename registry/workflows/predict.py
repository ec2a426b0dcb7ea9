"""Run a release's final weights on image files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from registry.core import records
from registry.core.cid import CID
from registry.core.errors import InvalidInput, not_read
from registry.core.method import Detection
from registry.provenance.lineage import SAFETENSORS, final_weights, release_view, threshold_of
from registry.workflows.base_weights import weights_files
from registry.workflows.parts import Parts
from registry.workflows.read_content import read_as

MAX_IMAGE_BYTES = 64 << 20


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_IMAGE_BYTES:
            raise InvalidInput(f"{path} is larger than 64 MiB", hint="give a smaller image.")
        return path.read_bytes()
    except OSError as error:
        raise not_read(path, error) from error


def _document(path: Path, detections: Sequence[Detection], classes: Sequence[str], threshold: int) -> dict[str, Any]:
    found = [
        {
            "label": classes[kind],
            "confidence": f"{score / 1_000_000:.6f}",
            "box": [round(value / 100, 2) for value in box],
        }
        for kind, score, *box in detections
        if score >= threshold
    ]
    best = found[0] if found else {"label": None, "confidence": None}
    return {"image": str(path), "label": best["label"], "confidence": best["confidence"], "detections": found}


def predict(parts: Parts, release: CID, images: Sequence[Path], average: bool = False) -> Iterator[dict[str, Any]]:
    """Documents of `emotionet predict --json`, in the order of ``images``.

    By the final weights, or by the average of all folds': what the average is worth nobody has judged, because every
    image of the snapshot was seen by some of them.
    """
    view = release_view(parts.store.get, read_as(parts, records.Release, release))
    chosen = [final_weights(view)]
    if average:
        chosen = [one for one in view.release.weights if one.fold is not None and one.format == SAFETENSORS]
    weights = [weights_files(parts.store, one.cid) for one in chosen]
    threshold = threshold_of(view, None if average else chosen[0].fold)
    method = parts.method(view.plan.method.id)
    encoded = [_read(path) for path in images]
    classes = view.snapshot.classes
    for path, detections in zip(images, method.predict(weights, encoded, view.recipe.values, classes), strict=True):
        yield _document(path, detections, classes, threshold)
