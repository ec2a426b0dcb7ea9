"""A training's record against its recipe: what follows from the recipe passes, what does not is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.arguments import check_recorded, recorded
from pipeline.method import YOLOv8
from pipeline.recipes.read_recipe import load_recipe, recipe_names, second_try
from registry.core.errors import InvalidInput
from registry.core.ports.method import FoldTask

EVENT = {"event": "stopped_early", "epoch": 5}
AGAIN = {"event": "second_try", "after": "out_of_memory"}


def said(recipe: dict[str, Any], seed: int) -> dict[str, Any]:
    empty: dict[str, Any] = {"index": {}, "rows": {}, "labels": {}, "train": (), "validate": (), "base": None}
    here = Path("nowhere")
    task = FoldTask(fold=0, seed=seed, recipe=recipe, classes=("a",), array=here, workdir=here, **empty)
    return recorded(task)


@pytest.mark.parametrize("name", recipe_names())
def test_what_a_recipe_gives_passes(name: str) -> None:
    _, recipe = load_recipe(name, {})
    epochs = list(range(1, recipe["training"]["epochs"] + 1))
    events = [{"event": "resumed", "epoch": 3}]
    told = [one for one in epochs if one % recipe["state"]["every"] == 0]
    YOLOv8().check_training(
        recipe,
        version=1,
        seed=2024,
        arguments=said(recipe, 2024),
        events=events,
        epochs=epochs,
        states=told,
        checkpoints=[],
    )
    smaller = second_try(recipe, "out_of_memory")
    assert smaller is not None
    check_recorded(recipe, 2024, said(smaller, 2024), [AGAIN], epochs)
    if recipe["training"]["patience"]:
        check_recorded(recipe, 2024, said(recipe, 2024), [EVENT], epochs[:5])


CHANGES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], int]] = {
    "another seed": ({"seed": 8}, [], 12),
    "another rate": ({"lr0": "0.01"}, [], 12),
    "more augmentation": ({"mosaic": "1"}, [], 12),
    "no such argument": ({"label_smoothing": "0.1"}, [], 12),
    "half the batch, untold": ({"batch": 8, "nbs": 8}, [], 12),
    "a device that is none": ({"device": "abacus"}, [], 12),
    "fewer epochs": ({}, [], 11),
    "more epochs": ({}, [], 13),
    "stopped early though it may not": ({}, [{"event": "stopped_early", "epoch": 5}], 5),
    "tried again, untold what": ({}, [{"event": "second_try", "after": "boredom"}], 12),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_it_does_not_give_is_named(name: str) -> None:
    changed, events, epochs = CHANGES[name]
    _, recipe = load_recipe("quick", {"epochs": 12, "batch": 16})
    with pytest.raises(InvalidInput) as caught:
        check_recorded(recipe, 7, {**said(recipe, 7), **changed}, events, list(range(1, epochs + 1)))
    assert caught.value.code == "other_training"


def test_a_missing_argument_and_a_gap_in_the_history_are_named() -> None:
    _, recipe = load_recipe("quick", {"epochs": 12})
    whole = said(recipe, 7)
    for arguments, epochs in (
        ({name: value for name, value in whole.items() if name != "lr0"}, list(range(1, 13))),
        (whole, [1, *range(3, 14)]),
    ):
        with pytest.raises(InvalidInput):
            check_recorded(recipe, 7, arguments, [], epochs)
