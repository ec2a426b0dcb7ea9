"""After which epochs a training tells and keeps its state."""

from __future__ import annotations

import pytest

from pipeline.recipes.read_recipe import load_recipe
from pipeline.recipes.schema import parse_recipe
from pipeline.state_epochs import check_states, is_reported, is_saved
from registry.core.errors import InvalidInput


@pytest.mark.parametrize(
    ("every", "keep", "told", "kept"),
    [
        (0, 0, [], []),
        (1, 0, [1, 2, 3, 4, 5], []),
        (2, 0, [2, 4, 5], []),  # the last one always
        (0, 2, [2, 4], [2, 4]),  # what is kept is told
        (3, 2, [2, 3, 4, 5], [2, 4]),
    ],
)
def test_states_are_told_and_kept_as_the_recipe_says(every: int, keep: int, told: list[int], kept: list[int]) -> None:
    recipe, epochs = {"state": {"every": every, "keep": keep}}, list(range(1, 6))
    assert [one for one in epochs if is_reported(recipe, one, one == 5)] == told
    assert [one for one in epochs if is_saved(recipe, one)] == kept
    check_states(recipe, epochs, told, kept)
    for states, checkpoints in (([*told, 6], kept), (told, [*kept, 5])):
        with pytest.raises(InvalidInput) as caught:
            check_states(recipe, epochs, states, checkpoints)
        assert caught.value.code == "other_training"


def test_a_recipe_without_the_section_tells_each_epochs_state_and_keeps_none() -> None:
    name, values = load_recipe("quick", {})
    del values["state"]
    assert parse_recipe({"name": name, **values}).state.every == 1


def test_checkpoints_without_end_are_refused() -> None:
    name, values = load_recipe("quick", {"epochs": 100})
    values["state"] = {"every": 1, "keep": 4}
    with pytest.raises(InvalidInput, match="more than 20 checkpoints"):
        parse_recipe({"name": name, **values})
