"""What is passed to a training method and comes back from it, and what a method says of itself.

Invariant: plain values; a box and a score are integers, as in records.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

Box = tuple[int, int, int, int]  # x, y, w, h in hundredths of a pixel of the upright original
Detection = tuple[int, int, int, int, int, int]  # class, score in millionths, x, y, w, h (as Box)
Row = Mapping[str, Any]  # bytes, integers, text, None, lists and maps of them: what dag-cbor holds without floats


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """A value of its recipes that the start of a run may override: ``--NAME N`` of `train`, ``options`` of a request.

    ``low`` and ``high`` bound it; the method's own ``recipe`` may refuse more. ``saves``: what a smaller value needs
    less of, for whoever is told that there is not enough.
    """

    name: str  # small letters
    low: int
    high: int
    help: str  # the rest of a sentence that begins with the option
    saves: tuple[Literal["memory", "disk"], ...] = ()


class Losses(msgspec.Struct, frozen=True, kw_only=True):
    """The names in an epoch's history whose sum is its loss, in training and on the images that the fold judges."""

    training: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()


class Tolerance(msgspec.Struct, frozen=True, kw_only=True):
    """How far honest results lie apart where bits differ, as measured; the method says on which machines.

    Detections: ``score`` in millionths, ``box`` (each of x, y, w, h) in millionths of the image's longer side;
    ``crowded`` is the overlap (IoU, in hundredths) from which a detection beside another of its class may be in one
    list and not in the other. ``exported_score`` and ``exported_box``: the same of another format of the same weights.
    Losses: (up to this epoch, relative difference in millionths), by rising epoch; ``None`` for all later ones.
    ``changed``: of the images that a fold judges, in hundredths, those of which two whole trainings may say otherwise.
    """

    score: int = 0
    box: int = 0
    crowded: int = 100
    exported_score: int = 0
    exported_box: int = 0
    losses: tuple[tuple[int | None, int], ...] = ((None, 0),)
    changed: int = 0


class MethodCard(msgspec.Struct, frozen=True, kw_only=True):
    """What a method says of itself. What a reader of records needs of it, a plan repeats (``records.MethodRef``)."""

    name: str  # for people
    licence: str  # SPDX, of the weights that it trains
    library: str | None  # what trains and runs them, as model hubs call it; None: nothing but the method itself
    task: str  # as model hubs call it: object-detection, image-classification
    losses: Losses
    packages: tuple[str, ...]  # its own importable packages or modules: their source is part of a plan's ``code``
    recipe: str  # the one that is taken where none is named
    options: tuple[Option, ...]
    format: str  # of its weights, as a release names it
    files: tuple[str, ...]  # of a weights folder, by name; one of them is model.json
    base_kinds: tuple[str, ...]  # what ``read_base`` takes, for people; () where it takes nothing
    # files of a fold's ``workdir`` that another machine needs to go on with it (glob patterns, at most one folder
    # deep), each written whole; () where a fold that is lost begins anew elsewhere
    carried: tuple[str, ...] = ()
    tolerance: Tolerance = Tolerance()  # of results on another kind of machine; nothing is allowed unless stated


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
    # end after so many epochs of those that the recipe asks for, as a kill would: what was trained until then is the
    # same to the bit, and nobody is judged. None: to the end
    stop_after: int | None = None


class SavedState(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint to publish: ``folder`` holds ``state.safetensors`` and ``state.json`` (``core.tensors``)."""

    epoch: int
    folder: Path


class FoldOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one fold gave. ``weights`` maps the names of ``MethodCard.files`` to bytes; ``tensors`` is their digest
    (``core.weights.weights_digest``)."""

    weights: Mapping[str, bytes]
    tensors: str
    arguments: Mapping[str, Any]
    hardware: Mapping[str, str]
    events: tuple[Mapping[str, Any], ...]
    # epoch, values by name (decimals of six places), the state's digest where the recipe asks for it
    history: tuple[tuple[int, Mapping[str, str], str | None], ...]
    checkpoints: tuple[SavedState, ...] = ()  # by rising epoch; where the recipe asks for them
    # every validation image, by falling score; none of a training that ended at ``FoldTask.stop_after``
    predictions: Mapping[bytes, tuple[Detection, ...]]


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one fold takes at most, known without measuring. Bytes; processors; epochs."""

    memory: int
    threads: int
    epochs: int
    pixels: int  # on disk, shared by all folds
    checkpoint: int  # on disk, of this fold while it trains
