"""A key of recipes that came later: an older recipe means what is stated, a newer one asks for a newer program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.arguments import check_recorded
from pipeline.method import YOLOv8
from pipeline.recipes import read_recipe as recipes
from registry.core.errors import InvalidInput, NewerVersion
from tests.pipeline.test_arguments import said


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The values of a recipe of version 1, where today's is version 2: as if ``fliplr`` and ``evaluation`` were new."""
    _, values = recipes.load_recipe("quick", {})
    lacked = {"training": {"fliplr": "0.25"}, "evaluation": values.pop("evaluation")}
    monkeypatch.setattr(recipes, "LACKED", (lacked,))
    monkeypatch.setattr(recipes, "VERSION", 2)
    return {**values, "training": {name: one for name, one in values["training"].items() if name != "fliplr"}}


def test_an_older_recipe_has_the_values_that_a_new_key_stood_for(older: dict[str, Any]) -> None:
    found = YOLOv8().read_recipe(1, older)
    assert found["training"] == {**older["training"], "fliplr": "0.25"}
    assert found["evaluation"]["rounds"] == 2000
    assert {**older, **{name: found[name] for name in ("training", "evaluation")}} == found
    assert YOLOv8().read_recipe(2, found) == found


def test_a_recipe_holds_no_key_that_came_after_it(older: dict[str, Any]) -> None:
    for values, where in (
        ({**older, "training": {**older["training"], "fliplr": "0.5"}}, "training.fliplr"),
        ({**older, "evaluation": "0.5"}, "evaluation"),
    ):
        with pytest.raises(InvalidInput, match=f"has no {where}"):
            YOLOv8().read_recipe(1, values)
    with pytest.raises(InvalidInput, match="not a version of a recipe"):
        YOLOv8().read_recipe(0, older)
    with pytest.raises(InvalidInput, match="is not valid"):
        YOLOv8().read_recipe(2, older)


def test_a_training_of_an_older_recipe_recorded_nothing_of_a_new_key(older: dict[str, Any]) -> None:
    recipe = YOLOv8().read_recipe(1, older)
    arguments = said(recipe, 7)
    del arguments["fliplr"]
    epochs = list(range(1, recipe["training"]["epochs"] + 1))
    told: dict[str, Any] = {"arguments": arguments, "events": (), "epochs": epochs, "checkpoints": ()}
    told["states"] = [one for one in epochs if one % recipe["state"]["every"] == 0]
    YOLOv8().check_training(recipe, version=1, seed=7, **told)
    with pytest.raises(InvalidInput, match="fliplr"):
        YOLOv8().check_training(recipe, version=2, seed=7, **told)
    with pytest.raises(InvalidInput, match="fliplr"):
        check_recorded(recipe, 7, {**arguments, "fliplr": "0.5"}, (), epochs, {"fliplr"})


def test_a_newer_recipe_asks_for_a_newer_emotionet() -> None:
    _, values = recipes.load_recipe("quick", {})
    with pytest.raises(NewerVersion, match="version 2 of the recipes of yolov8 is newer than this program"):
        YOLOv8().read_recipe(2, values)


def test_a_file_says_which_version_it_is_of(tmp_path: Path, older: dict[str, Any]) -> None:
    text = (Path(recipes.__file__).parent / "quick.toml").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    old = "\n".join(line for line in text.split("[evaluation]")[0].splitlines() if not line.startswith("fliplr"))
    path.write_text(old)
    assert recipes.load_recipe(str(path), {}) == ("quick", recipes.read_recipe(1, older))
    path.write_text(old.replace("version = 1", ""))
    with pytest.raises(InvalidInput, match="does not state its recipe version") as caught:
        recipes.load_recipe(str(path), {})
    assert caught.value.hint == "write `version = 2` at its top, if it has all keys of that version."
    path.write_text(old.replace("version = 1", "version = 3"))
    with pytest.raises(NewerVersion):
        recipes.load_recipe(str(path), {})
