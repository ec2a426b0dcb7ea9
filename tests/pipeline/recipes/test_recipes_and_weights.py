"""Recipes are data with bounds; weights are never pickles and never what they don't claim."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.recipes.read_recipe import load_recipe, recipe_names
from pipeline.recipes.schema import check_values
from pipeline.weights import read_model
from registry.core import tensors
from registry.core.errors import InvalidInput, Untrusted
from registry.core.ipld import encoding


def test_the_recipes_that_come_along_hold_and_are_records() -> None:
    assert recipe_names() == ("emotionet-2023", "emotionet-2026", "quick")
    for name in recipe_names():
        found, values = load_recipe(name, {})
        assert found == name
        check_values(values)
        assert encoding.decode(encoding.encode(values)) == values  # no floats


def test_the_documented_recipe_is_the_papers() -> None:
    _, values = load_recipe("emotionet-2023", {})
    assert values["preprocess"]["size"] == values["training"]["imgsz"] == 640
    assert (values["training"]["epochs"], values["folds"]["k"], values["training"]["model"]) == (100, 5, "yolov8n")


def test_what_is_given_stands_over_the_recipe() -> None:
    _, values = load_recipe("quick", {"epochs": 2, "folds": 4, "imgsz": 64, "batch": 4, "seed": 9})
    assert (values["training"]["epochs"], values["folds"]["k"], values["seed"]) == (2, 4, 9)
    assert values["training"]["imgsz"] == values["preprocess"]["size"] == 64
    assert values["training"]["batch"] == values["training"]["nbs"] == 4


@pytest.mark.parametrize(
    "overrides",
    [
        {"epochs": 0},
        {"epochs": 10**9},
        {"imgsz": 100},
        {"imgsz": 4096},
        {"folds": 1},
        {"batch": -1},
        {"lr0": "1"},
        {"seed": -1},
    ],
)
def test_what_is_out_of_bounds_is_refused(overrides: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        load_recipe("quick", overrides)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "quick"', 'name = "../x"', "name"),
        ("[folds]", "surprise = 1\n[folds]", "surprise"),
        ('model = "yolov8n"', 'model = "evil.yaml"', "model"),
        ('floor = "0.01"', 'floor = "0.5"', "floor"),
        ('lr0 = "0.002"', "lr0 = 0.002", "lr0"),
        ("size = 96", "size = 64", "equal"),
        ('final = "fold:0"', 'final = "fold:3"', "final"),
        ("[folds]", "[folds", "TOML"),
    ],
)
def test_a_strangers_recipe_is_checked(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = (Path(__file__).parents[3] / "pipeline" / "recipes" / "quick.toml").read_text()
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InvalidInput, match=said):
        load_recipe(str(path), {})


def test_a_recipe_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is neither a recipe nor a file"):
        load_recipe("nothing", {})
    (tmp_path / "big.toml").write_bytes(b"#" * 70_000)
    with pytest.raises(InvalidInput, match="64 KiB"):
        load_recipe(str(tmp_path / "big.toml"), {})


def header(entries: dict[str, Any], body: bytes = b"") -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + body


GOOD = {
    "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
    "b": {"dtype": "I64", "shape": [], "data_offsets": [8, 16]},
}


def changed(name: str, **fields: Any) -> dict[str, Any]:
    return {**GOOD, name: {**GOOD[name], **fields}}


def test_a_good_file_passes() -> None:
    tensors.read(header(GOOD, bytes(16)))
    tensors.read(header({"__metadata__": {"x": "y"}, **GOOD}, bytes(16)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(8),
        struct.pack("<Q", 10**11) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 5) + b"{nope",
        header(GOOD, bytes(15)),
        header(GOOD, bytes(17)),
        header(changed("a", data_offsets=[0, 12]), bytes(16)),
        header(changed("b", data_offsets=[4, 12]), bytes(16)),
        header(changed("b", data_offsets=[12, 20]), bytes(20)),
        header(changed("a", shape=[2**40]), bytes(16)),
        header(changed("a", shape=[-2]), bytes(16)),
        header(changed("a", shape=["2"]), bytes(16)),
        header(changed("a", dtype="F64"), bytes(16)),
        header(changed("a", dtype="pickle"), bytes(16)),
        header(changed("a", shape=[True]), bytes(16)),
        header({"a": 5}, bytes(16)),
        header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], "x": 1}}, bytes(8)),
        header({str(n): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(5001)}),
        b"\x80\x04\x95" + bytes(100),  # a pickle
        b"PK\x03\x04" + bytes(100),  # a .pt
    ],
)
def test_hostile_safetensors_end_in_one_clear_error(data: bytes) -> None:
    with pytest.raises(Untrusted, match="not what they claim") as caught:
        tensors.read(data)
    assert caught.value.code == "hostile_weights"


@given(st.binary(max_size=200))
def test_no_bytes_end_in_another_exception(data: bytes) -> None:
    for read in (tensors.read, read_model):
        try:
            read(data)
        except Untrusted:
            continue


MODEL = {"architecture": "yolov8n", "names": ["a", "b"], "imgsz": 96, "stride": 32, "format": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": "evil.yaml"},
        {"names": "ab"},
        {"names": []},
        {"names": [1]},
        {"imgsz": 100},
        {"imgsz": 64_000},
        {"imgsz": True},
    ],
)
def test_a_hostile_model_json_is_refused(change: dict[str, Any]) -> None:
    assert read_model(json.dumps(MODEL).encode()) == ("yolov8n", ("a", "b"), 96)
    with pytest.raises(Untrusted):
        read_model(json.dumps({**MODEL, **change}).encode())
