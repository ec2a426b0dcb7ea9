"""A recipe's keys and their bounds: a stranger's recipe can't exceed them.

Invariants: every key is known and every number bounded. Decimals are strings (records hold no floats). ``imgsz`` equals
the preprocessed size, so nothing is resized twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from pipeline import cost
from registry.core.errors import InvalidInput
from registry.imaging.decode import MAX_PIXELS

Size = Annotated[int, Meta(ge=32, le=1280, multiple_of=32)]
Level = Annotated[int, Meta(ge=0, le=255)]
Bits = Annotated[int, Meta(ge=0, le=64)]
Unit = Annotated[str, Meta(pattern=r"\A(0(\.[0-9]{1,6})?|1(\.0{1,6})?)\Z")]  # 0 to 1
Number = Annotated[str, Meta(pattern=r"\A[0-9]{1,2}(\.[0-9]{1,6})?\Z")]  # 0 to 99
Degrees = Annotated[str, Meta(pattern=r"\A([0-9]{1,2}|1[0-7][0-9])(\.[0-9]{1,6})?\Z")]  # 0 to 179
MAX_MEMORY = 96 << 30  # bytes of one fold: what the largest GPUs hold
MAX_CHECKPOINTS = 20  # published of one training
MAX_TRAININGS = 100  # folds of all repeats together: a quarter of a terabyte of checkpoints for the largest model


class _Strict(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    pass


class Preprocess(_Strict, frozen=True, kw_only=True):
    """Thresholds of cleaning; see the comments in quick.toml for units."""

    size: Size
    max_pixels: Annotated[int, Meta(ge=1024, le=MAX_PIXELS)]
    min_side: Annotated[int, Meta(ge=3, le=4096)]
    min_mean: Level
    max_mean: Level
    min_spread: Level
    min_sharpness: Annotated[int, Meta(ge=0, le=1_000_000)]
    max_noise: Annotated[int, Meta(ge=0, le=100_000)]
    near_dhash: Bits
    near_phash: Bits
    detector: Literal["none", "centerface"]
    face_score: Unit
    drop_no_face: bool
    drop_several_faces: bool


class Folds(_Strict, frozen=True, kw_only=True):
    """How many folds, and how often all images are divided into so many."""

    k: Annotated[int, Meta(ge=2, le=100)]
    repeats: Annotated[int, Meta(ge=1, le=20)]


class Training(_Strict, frozen=True, kw_only=True):
    """Ultralytics' arguments by their own names, and what else changes bits."""

    model: Literal["yolov8n", "yolov8s", "yolov8m", "yolov8l", "yolov8x"]
    epochs: Annotated[int, Meta(ge=1, le=10_000)]
    imgsz: Size
    batch: Annotated[int, Meta(ge=1, le=1024)]
    nbs: Annotated[int, Meta(ge=1, le=1024)]
    optimizer: Literal["SGD", "Adam", "AdamW"]
    lr0: Unit
    lrf: Unit
    momentum: Unit
    weight_decay: Unit
    warmup_epochs: Number
    warmup_bias_lr: Unit
    cls: Number
    mosaic: Unit
    close_mosaic: Annotated[int, Meta(ge=0, le=10_000)]
    degrees: Degrees
    translate: Unit
    scale: Unit
    fliplr: Unit
    hsv_h: Unit
    hsv_s: Unit
    hsv_v: Unit
    threads: Annotated[int, Meta(ge=1, le=256)]
    channels_last: bool
    precision: Literal["fp32", "bf16"]
    freeze: Annotated[int, Meta(ge=0, le=22)]
    patience: Annotated[int, Meta(ge=0, le=10_000)]
    retry: bool
    validate_every: Annotated[int, Meta(ge=1, le=10_000)]


class State(_Strict, frozen=True, kw_only=True):
    """After how many epochs a digest of the training's state is taken, and its state kept and published; 0: never."""

    every: Annotated[int, Meta(ge=0, le=10_000)] = 1
    keep: Annotated[int, Meta(ge=0, le=10_000)] = 0


class Evaluation(_Strict, frozen=True, kw_only=True):
    """How predictions are judged."""

    threshold: Unit
    threshold_rule: Literal["fixed", "other_folds"]
    floor: Unit
    mirrored: bool
    rounds: Annotated[int, Meta(ge=1000, le=2000)]
    min_group: Annotated[int, Meta(ge=1, le=1000)]
    confidence: Literal["0.95"]


class Recipe(_Strict, frozen=True, kw_only=True):
    """A whole recipe."""

    name: Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9._-]{0,63}\Z")]
    seed: Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
    final: Annotated[str, Meta(pattern=r"\A(fold:\d{1,3}|refit)\Z")]
    preprocess: Preprocess
    folds: Folds
    training: Training
    state: State = State()
    evaluation: Evaluation


def parse_recipe(value: Any) -> Recipe:
    """A checked recipe. ``InvalidInput`` (``bad_recipe``) names the first thing that is wrong."""
    try:
        recipe = msgspec.convert(value, Recipe)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"the recipe is not valid: {_plain(str(error))}", code="bad_recipe") from error
    _check(recipe)
    return recipe


def _plain(said: str) -> str:
    """What msgspec says, with the field's name first: ``training.epochs: expected `int` >= 1``."""
    what, at, where = said.partition(" - at `$.")
    return f"{where.rstrip('`')}: {what[:1].lower()}{what[1:]}" if at else said


def _check(recipe: Recipe) -> None:
    wrong = None
    if recipe.training.imgsz != recipe.preprocess.size:
        wrong = "training.imgsz and preprocess.size must be equal"
    elif recipe.training.nbs > recipe.training.batch:
        wrong = "training.nbs must not lie above batch (a fold that was killed could not go on with the same bits)"
    elif cost.memory(msgspec.structs.asdict(recipe.training)) > MAX_MEMORY:
        wrong = f"training.batch, imgsz and model together need more than {MAX_MEMORY >> 30} GiB"
    elif recipe.folds.k * recipe.folds.repeats > MAX_TRAININGS:
        wrong = f"folds.k times repeats must not lie above {MAX_TRAININGS}"
    elif recipe.state.keep and recipe.training.epochs // recipe.state.keep > MAX_CHECKPOINTS:
        wrong = f"state.keep asks for more than {MAX_CHECKPOINTS} checkpoints of a training"
    elif recipe.preprocess.min_mean >= recipe.preprocess.max_mean:
        wrong = "preprocess.min_mean must lie below max_mean"
    elif Decimal(recipe.evaluation.floor) > Decimal(recipe.evaluation.threshold):
        wrong = "evaluation.floor must not lie above threshold"
    elif recipe.final != "refit" and int(recipe.final.removeprefix("fold:")) >= recipe.folds.k * recipe.folds.repeats:
        wrong = "final names a fold that does not exist"
    if wrong:
        raise InvalidInput(f"the recipe is not valid: {wrong}", code="bad_recipe")


def check_values(values: Mapping[str, Any]) -> Recipe:
    """The recipe of a plan (a recipe record's values, whose name stands beside them)."""
    return parse_recipe({"name": "given", **values})
