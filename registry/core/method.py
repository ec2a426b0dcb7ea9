"""The port to a training method (entry point group ``emotionet.methods``). ``pipeline`` is the documented one.

The registry knows nothing of YOLO: it hands a method bytes and values and gets bytes and values
back. A method never touches the catalog, the store, the network or a clock that others rely on.

Invariants: ``preprocess`` depends on its items' bytes and the recipe alone, not on their order;
``train_fold`` with the same task on the same kind of machine gives the same tensors; weights are
never pickles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

Box = tuple[int, int, int, int]  # x, y, w, h in hundredths of a pixel of the upright original
Detection = tuple[int, int, int, int, int, int]  # class, score in millionths, x, y, w, h (as Box)
Progress = Callable[[str, int, int], None]  # what, done, total


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One image of a snapshot. ``label`` is the class index; ``read`` it by sha256."""

    sha256: bytes
    label: int
    subject: str | None
    boxes: tuple[Box, ...]


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the PREPARED table: kept (``reason`` None) or dropped (``pixels`` None)."""

    sha256: bytes
    width: int  # of the upright original; 0 where undecodable
    height: int
    pixels: bytes | None  # sha2-256 over b"<h>x<w>x3:uint8:" + raw RGB of the resized image
    boxes: tuple[Box, ...]
    box_source: str  # supplied, detector, full_frame; "" where dropped
    group: bytes  # smallest sha256 of persons' and near-duplicates' group
    reason: str | None
    measured: str | None


class FoldTask(msgspec.Struct, frozen=True, kw_only=True):
    """All that one fold's training needs. ``array``: a .npy of uint8 (n, size, size, 3) RGB; ``index``: its rows."""

    fold: int | None
    seed: int
    recipe: Mapping[str, Any]
    classes: tuple[str, ...]
    array: Path
    index: Mapping[bytes, int]  # sha256 -> row of array
    rows: Mapping[bytes, Prepared]
    labels: Mapping[bytes, int]
    train: tuple[bytes, ...]  # sha256, sorted
    validate: tuple[bytes, ...]  # sha256, sorted; empty for a refit
    base: Mapping[str, bytes] | None  # weights files by name, or None
    workdir: Path  # this fold's own; survives a kill, so that it can resume


class FoldOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one fold gave. ``weights`` maps file names to bytes (weights.safetensors, model.json)."""

    weights: Mapping[str, bytes]
    tensors: str
    arguments: Mapping[str, Any]
    hardware: Mapping[str, str]
    events: tuple[Mapping[str, Any], ...]
    history: tuple[tuple[int, Mapping[str, str]], ...]
    predictions: Mapping[bytes, tuple[Detection, ...]]  # every validation image, by falling score


class Method(Protocol):
    """A training method."""

    id: str
    version: str

    def recipes(self) -> tuple[str, ...]:
        """Names of the recipes it brings."""
        ...

    def recipe(self, name_or_file: str, overrides: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """A recipe's name and checked values. Unknown name or key, or a value out of bounds: ``InvalidInput``."""
        ...

    def check(self, values: Mapping[str, Any]) -> None:
        """``InvalidInput`` unless these are values that this method accepts (a stranger's recipe)."""
        ...

    def preprocess(
        self,
        items: Sequence[Item],
        read: Callable[[bytes], bytes],
        recipe: Mapping[str, Any],
        progress: Progress,
    ) -> tuple[Prepared, ...]:
        """Clean, group and resize; one row an item, sorted by sha256. ``read`` gives an image's bytes by sha256."""
        ...

    def materialize(
        self,
        prepared: Sequence[Prepared],
        read: Callable[[bytes], bytes],
        recipe: Mapping[str, Any],
        array: Path,
        progress: Progress,
    ) -> dict[bytes, int]:
        """Make the kept pixels again into one .npy; sha256 -> row. ``Untrusted`` if a digest differs from the row's."""
        ...

    def train_fold(self, task: FoldTask, report: Callable[[Mapping[str, Any]], None]) -> FoldOutcome:
        """Train and predict one fold. ``report`` gets {epoch, epochs, ...}; what it raises stops the training."""
        ...

    def predict(
        self,
        weights: Mapping[str, bytes],
        images: Iterable[bytes],
        recipe: Mapping[str, Any],
        classes: tuple[str, ...],
    ) -> Iterable[tuple[Detection, ...]]:
        """Run published weights on encoded images; one tuple of detections each. ``Untrusted`` for hostile weights."""
        ...

    def environment(self) -> dict[str, str]:
        """Names to versions of all software that affects bits, and the kind of processor."""
        ...
