"""Recipes: data with a schema. A stranger's recipe can't exceed the schema's bounds.

Invariants: every key is known and every number bounded. Decimals are strings (records hold no floats). ``imgsz`` equals
the preprocessed size, so nothing is resized twice.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from pipeline import cost
from registry.core.errors import InvalidInput, not_read
from registry.core.recipe_versions import Lacked, newest, read_values
from registry.imaging.decode import MAX_PIXELS

Size = Annotated[int, Meta(ge=32, le=1280, multiple_of=32)]
Level = Annotated[int, Meta(ge=0, le=255)]
Bits = Annotated[int, Meta(ge=0, le=64)]
Unit = Annotated[str, Meta(pattern=r"\A(0(\.[0-9]{1,6})?|1(\.0{1,6})?)\Z")]  # 0 to 1
Number = Annotated[str, Meta(pattern=r"\A[0-9]{1,2}(\.[0-9]{1,6})?\Z")]  # 0 to 99
Degrees = Annotated[str, Meta(pattern=r"\A([0-9]{1,2}|1[0-7][0-9])(\.[0-9]{1,6})?\Z")]  # 0 to 179
METHOD = "yolov8"
LACKED: tuple[Lacked, ...] = ()  # what each version before the newest has not, with what that meant; none yet
VERSION = newest(LACKED)
MAX_FILE = 64 << 10
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


def recipe_names() -> tuple[str, ...]:
    """Names of the recipes that come with this package."""
    folder = resources.files("pipeline") / "recipes"
    return tuple(sorted(one.name.removesuffix(".toml") for one in folder.iterdir() if one.name.endswith(".toml")))


def _text(name_or_file: str) -> str:
    if name_or_file in recipe_names():
        return (resources.files("pipeline") / "recipes" / f"{name_or_file}.toml").read_text(encoding="utf-8")
    path = Path(name_or_file)
    try:
        if not path.is_file():
            known = ", ".join(recipe_names())
            raise InvalidInput(
                f"{name_or_file!r} is neither a recipe nor a file", code="unknown_recipe", hint=f"use one of {known}."
            )
        with path.open("rb") as handle:
            data = handle.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise InvalidInput(f"{path} is larger than 64 KiB, so it is not a recipe", code="bad_recipe")
        return data.decode("utf-8")
    except OSError as error:
        raise not_read(path, error) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8", code="bad_recipe", hint="save it as UTF-8.") from error


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


def load_recipe(name_or_file: str, overrides: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A recipe's name and values, with the command line's over it: folds, repeats, epochs, imgsz, batch, seed."""
    try:
        value = tomllib.loads(_text(name_or_file))
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, a thousand brackets
        raise InvalidInput(f"{name_or_file} is not TOML: {str(error)[:200]}", code="bad_recipe") from error
    version = value.pop("version", None)
    if type(version) is not int:
        raise InvalidInput(
            f"{name_or_file} does not state its recipe version",
            code="bad_recipe",
            hint=f"write `version = {VERSION}` at its top, if it has all keys of that version.",
        )
    value = read_values(METHOD, version, value, LACKED)
    parse_recipe(value)
    for name, given in overrides.items():
        if name == "seed":
            value["seed"] = given
        elif name == "folds":
            value["folds"]["k"] = given
        elif name == "repeats":
            value["folds"]["repeats"] = given
        elif name == "imgsz":
            value["training"]["imgsz"] = value["preprocess"]["size"] = given
        elif name == "batch":
            value["training"]["batch"] = value["training"]["nbs"] = given
        elif name == "epochs":
            value["training"]["epochs"] = given
        else:
            raise InvalidInput(f"{name!r} is not an option that overrides a recipe's value", code="bad_recipe")
    try:
        recipe = parse_recipe(value)
    except InvalidInput as error:  # the recipe alone did hold
        given = ", ".join(f"{name} {number}" for name, number in overrides.items())
        raise InvalidInput(
            f"with {given} {error}", code=error.code, hint="give other values, or leave them out."
        ) from error
    values = msgspec.to_builtins(recipe)
    return str(values.pop("name")), dict(values)


def second_try(values: Mapping[str, Any], code: str) -> dict[str, Any] | None:
    """The values with which a fold that failed so may be tried once more; None where the recipe allows none."""
    training = dict(values["training"])
    if not training["retry"]:
        return None
    if code == "out_of_memory" and training["batch"] > 1:
        training["batch"] = training["batch"] // 2
        training["nbs"] = min(training["nbs"], training["batch"])
    elif code == "diverged":
        training["lr0"] = f"{Decimal(training['lr0']) / 2:.6f}"
    else:
        return None
    return {**values, "training": training}


def read_recipe(version: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a plan's recipe (a record's, of whatever version) with all that came later, checked."""
    found = read_values(METHOD, version, values, LACKED)
    check_values(found)
    return found


def later_arguments(version: int) -> set[str]:
    """Names of the section ``training`` that came after a version."""
    return {name for lacked in LACKED[version - 1 :] for name in lacked.get("training", ())}


def check_values(values: Mapping[str, Any]) -> Recipe:
    """The recipe of a plan (a recipe record's values, whose name stands beside them)."""
    return parse_recipe({"name": "given", **values})
