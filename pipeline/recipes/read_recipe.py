"""Reads recipes: those that come with this package, files, and the recipes of records.

Invariant: what is returned has every key of the newest version, and passed ``schema``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from pipeline.recipes.schema import check_values, parse_recipe
from registry.core.errors import InvalidInput, not_read
from registry.core.recipe_versions import Lacked, newest, read_values

METHOD = "yolov8"
LACKED: tuple[Lacked, ...] = ()  # by version, the keys that it lacks and the values that it implied; none yet
VERSION = newest(LACKED)
MAX_FILE = 64 << 10
OVERRIDES = {  # an option, and the keys that it replaces
    "seed": (("seed",),),
    "folds": (("folds", "k"),),
    "repeats": (("folds", "repeats"),),
    "imgsz": (("training", "imgsz"), ("preprocess", "size")),
    "batch": (("training", "batch"), ("training", "nbs")),
    "epochs": (("training", "epochs"),),
}


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


def load_recipe(name_or_file: str, overrides: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A recipe's name and values. ``overrides`` replace folds, repeats, epochs, imgsz, batch and seed."""
    value = _values_of_file(name_or_file)
    parse_recipe(value)
    _override(value, overrides)
    try:
        recipe = parse_recipe(value)
    except InvalidInput as error:  # the recipe was valid without the overrides
        given = ", ".join(f"{name} {number}" for name, number in overrides.items())
        raise InvalidInput(
            f"with {given} {error}", code=error.code, hint="give other values, or leave them out."
        ) from error
    values = msgspec.to_builtins(recipe)
    return str(values.pop("name")), dict(values)


def _values_of_file(name_or_file: str) -> dict[str, Any]:
    """A recipe file's values, with all keys that were added after its version."""
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
    return read_values(METHOD, version, value, LACKED)


def _override(value: dict[str, Any], overrides: Mapping[str, Any]) -> None:
    """Put the overrides into a valid recipe's values."""
    for name, given in overrides.items():
        if name not in OVERRIDES:
            raise InvalidInput(f"{name!r} is not an option that overrides a recipe's value", code="bad_recipe")
        for *sections, key in OVERRIDES[name]:
            (value[sections[0]] if sections else value)[key] = given


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
