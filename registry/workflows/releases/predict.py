"""Run a release's final weights on image files.

Invariant: an image that can't be used is reported by its name, and the other images are still processed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from registry.content.weights_folder import read_weights
from registry.core import records
from registry.core.errors import EmotionetError, InvalidInput, Unavailable, not_read
from registry.core.ipld.cid import CID
from registry.core.picture_bytes import HEAD, begins_as_picture
from registry.core.ports.method import Detection
from registry.core.run_view import release_view
from registry.imaging.decode import MAX_BYTES
from registry.provenance.release_view import final_weights, native_weights, threshold_of
from registry.workflows.parts import Parts
from registry.workflows.store.read_content import read_as
from registry.workflows.store.typed_source import check_regular


def image_paths(given: Sequence[Path]) -> list[Path]:
    """The images that are meant: a folder stands for the pictures in and below it, by name, hidden ones left out.

    ``InvalidInput`` (``no_images``) for a folder without any.
    """
    found: list[Path] = []
    for path in given:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(one for one in path.rglob("*") if _is_shown(one, path) and _is_picture(one))
        if not inside:
            raise InvalidInput(
                f"{path} is a folder without pictures", code="no_images", hint="give image files, or a folder of them."
            )
        found += inside
    return found


def _is_shown(path: Path, folder: Path) -> bool:
    return not any(part.startswith(".") for part in path.relative_to(folder).parts)


def _is_picture(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            return begins_as_picture(stream.read(HEAD))
    except OSError:
        return True  # it is told of when it is its turn


def read_image(path: Path) -> bytes:
    """A file's bytes. ``InvalidInput`` (``too_large``), ``UsageError`` (not a file), ``Unavailable``."""
    check_regular(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput(f"{path} is larger than 64 MiB", code="too_large", hint="give a smaller image.")
        return path.read_bytes()
    except OSError as error:
        raise not_read(path, error) from error


class _Reading:
    """Images one after the other, and which of them was read last (-1: none)."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths, self.at = paths, -1

    def __iter__(self) -> Iterator[bytes]:
        for path in self._paths:
            self.at += 1
            yield read_image(path)


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
    return {**_empty(path), "label": best["label"], "confidence": best["confidence"], "detections": found}


def _empty(path: Path) -> dict[str, Any]:
    return {"image": str(path), "label": None, "confidence": None, "detections": [], "error": None}


def _unusable(path: Path, error: EmotionetError) -> dict[str, Any]:
    said = str(error) if str(error).startswith(str(path)) else f"{path}: {error}"
    return {**_empty(path), "error": {"code": error.code, "detail": said, "hint": error.hint}}


def predict(parts: Parts, release: CID, images: Sequence[Path], average: bool = False) -> Iterator[dict[str, Any]]:
    """Documents of `emotionet predict --json`, in the order of ``images``; ``error`` where one can't be used.

    By the final weights, or by the average of all folds': what the average is worth nobody has judged, because every
    image of the snapshot was seen by some of them.
    """
    view = release_view(parts.store.get, read_as(parts, records.Release, release))
    chosen = [final_weights(view)]
    if average:
        chosen = [one for one in native_weights(view) if one.fold is not None]
    method, classes, done = parts.method(view.plan.method.id), view.snapshot.classes, 0
    weights = [read_weights(parts.store, one.cid, method.about().files) for one in chosen]
    threshold = threshold_of(view, None if average else chosen[0].fold)
    recipe = method.read_recipe(view.recipe.version, view.recipe.values)
    while done < len(images):
        reading = _Reading(images[done:])
        first = done
        try:
            for detections in method.predict(weights, reading, recipe, classes):
                yield _document(images[done], detections, classes, threshold)
                done += 1
        except (InvalidInput, Unavailable) as error:
            if reading.at < 0 or first + reading.at != done:
                raise  # it is not of the image that was just read
            yield _unusable(images[done], error)
            done += 1
