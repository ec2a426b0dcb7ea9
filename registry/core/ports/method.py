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
Row = Mapping[str, Any]  # bytes, integers, text, None, lists and maps of them: what dag-cbor holds without floats


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One image of a snapshot. ``label`` is the class index, None where it shows nothing of any class (and has no
    box); ``read`` it by sha256."""

    sha256: bytes
    label: int | None
    subject: str | None
    boxes: tuple[Box, ...]


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the PREPARED table: kept (``reason`` None) or dropped (``pixels`` None)."""

    sha256: bytes
    width: int  # of the upright original; 0 where undecodable
    height: int
    pixels: bytes | None  # sha2-256 over b"<h>x<w>x3:uint8:" + raw RGB of the resized image
    boxes: tuple[Box, ...]
    box_source: str  # supplied, detector, full_frame, nothing (no box: there is no object); "" where dropped
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
    labels: Mapping[bytes, int | None]  # None: nothing is to be found in it
    train: tuple[bytes, ...]  # sha256, sorted
    validate: tuple[bytes, ...]  # sha256, sorted; empty for a refit
    base: Mapping[str, bytes] | None  # weights files by name, or None
    workdir: Path  # this fold's own; survives a kill, so that it can resume


class KeptState(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint to publish: ``folder`` holds ``state.safetensors`` and ``state.json`` (``core.tensors``)."""

    epoch: int
    folder: Path


class FoldOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one fold gave. ``weights`` maps file names to bytes (weights.safetensors, model.json)."""

    weights: Mapping[str, bytes]
    tensors: str
    arguments: Mapping[str, Any]
    hardware: Mapping[str, str]
    events: tuple[Mapping[str, Any], ...]
    history: tuple[tuple[int, Mapping[str, str], str | None], ...]  # epoch, values, state's digest where asked for
    checkpoints: tuple[KeptState, ...] = ()  # by rising epoch; where the recipe asks for them
    predictions: Mapping[bytes, tuple[Detection, ...]]  # every validation image, by falling score


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of a fold's training alone on this machine, and bytes at most."""

    seconds: int
    memory: int
    pixels: int  # bytes on disk that all folds share
    checkpoint: int  # bytes on disk of this fold, while it trains


class Method(Protocol):
    """A training method."""

    id: str
    version: str
    recipe_version: int  # of the keys of its recipes, as ``recipe`` gives them; all before it are read for ever

    def recipes(self) -> tuple[str, ...]:
        """Names of the recipes it brings."""
        ...

    def recipe(self, name_or_file: str, overrides: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """A recipe's name and checked values. Unknown name or key, or a value out of bounds: ``InvalidInput``."""
        ...

    def read_recipe(self, version: int, values: Mapping[str, Any]) -> dict[str, Any]:
        """A recipe record's values as of ``recipe_version``: a key that ``version`` lacks has the value that it stood
        for before it existed (``registry.core.recipe_versions``). ``NewerVersion``; ``InvalidInput`` unless these are
        values that this method accepts (a stranger's recipe)."""
        ...

    def tools(self, recipe: Mapping[str, Any]) -> dict[str, bytes]:
        """Files that these values need beside the code (a detector's weights), by name.

        ``Unavailable`` if one is not installed.
        """
        ...

    def measure(
        self,
        items: Sequence[Item],
        read: Callable[[bytes], bytes],
        recipe: Mapping[str, Any],
        progress: Progress,
    ) -> Iterable[Row]:
        """Look at each item by itself; a row each. ``read`` gives an image's bytes by sha256, to one thread at a time.

        The rows of all items together are what ``preprocess`` needs, in whatever shards and order they were made.
        """
        ...

    def preprocess(self, items: Sequence[Item], rows: Sequence[Row], recipe: Mapping[str, Any]) -> tuple[Prepared, ...]:
        """Drop copies, group, choose boxes; one row an item, sorted by sha256."""
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
        """``InvalidInput`` unless a training of this recipe (as ``read_recipe`` gives it; its record has ``version``)
        and seed can have had these arguments and events, a history of these epochs, digests of its state after
        ``states`` and checkpoints after ``checkpoints`` of them. What came after ``version`` may be missing from the
        arguments. For audits: pure, needs nothing but these values."""
        ...

    def second_try(self, recipe: Mapping[str, Any], code: str) -> dict[str, Any] | None:
        """The values with which a fold that failed with error ``code`` may be tried once more; None if it may not."""
        ...

    def estimate(self, recipe: Mapping[str, Any], images: int, classes: int) -> Estimate:
        """What one fold of so many images would cost on this machine; measured, takes seconds."""
        ...

    def memory(self, recipe: Mapping[str, Any]) -> int:
        """Bytes that one fold needs at most, roughly; known without measuring."""
        ...

    def disk(self, recipe: Mapping[str, Any], images: int) -> tuple[int, int]:
        """Bytes on disk while it trains: of pixels that all folds share, and of one fold's checkpoints; known without
        measuring."""
        ...

    def read_base(self, path: Path) -> dict[str, bytes]:
        """Files of a weights directory from a user's own file, converted if need be; no pickle decides what is called.

        ``InvalidInput`` or ``Untrusted`` for what is no weights of this method.
        """
        ...

    def check_base(self, files: Mapping[str, bytes], recipe: Mapping[str, Any]) -> None:
        """``InvalidInput`` or ``Untrusted`` unless a fold of these values can start from these files."""
        ...

    def export(self, weights: Mapping[str, bytes]) -> dict[str, bytes]:
        """The same model in ONNX, by file name; compared with the weights. ``Unavailable``, ``Untrusted``."""
        ...

    def predict(
        self,
        weights: Sequence[Mapping[str, bytes]],
        images: Iterable[bytes],
        recipe: Mapping[str, Any],
        classes: tuple[str, ...],
    ) -> Iterable[tuple[Detection, ...]]:
        """Run published weights (of several the average) on encoded images; one tuple of detections each.

        ``Untrusted`` for hostile weights.
        """
        ...

    def environment(self) -> dict[str, str]:
        """Names to versions of all software that affects bits, and the kind of processor."""
        ...
