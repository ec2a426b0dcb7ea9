"""The vectors of docs/format.md: made again they are the same, and our code answers as they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.vectors.__main__ import FAMILIES, FOLDER
from tests.vectors.families.vector import Family, plain, refused_as, value_of, written

MOST = 2_000_000  # bytes of all files


def read(family: Family) -> list[dict[str, Any]]:
    return list(json.loads((FOLDER / f"{family.name}.json").read_text(encoding="ascii"))["vectors"])


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: str(family.name))
def test_vectors_made_again_are_the_same(family: Family) -> None:
    stated = (FOLDER / f"{family.name}.json").read_text(encoding="ascii")
    assert written(family) == stated, "made anew by python -m tests.vectors"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: str(family.name))
def test_our_code_answers_as_the_vectors_say(family: Family) -> None:
    for vector in read(family):
        given = value_of(vector["input"])
        if "refused" in vector:
            assert refused_as(family.answer, given) == vector["refused"], vector["name"]
        else:
            expected = vector["expected"]
            if family.name == "releases":  # the reason in words is for people
                del expected["why"]
            assert plain(family.answer(given)) == expected, vector["name"]


def test_every_family_has_a_file_and_every_name_is_given_once() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(family.name for family in FAMILIES)
    for family in FAMILIES:
        names = [vector["name"] for vector in read(family)]
        assert len(names) == len(set(names))


def test_an_option_is_no_folder(tmp_path: Path) -> None:
    """``--help`` once made a folder of that name."""
    command = [sys.executable, "-m", "tests.vectors", "--help"]
    there = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=tmp_path, env=there, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: python -m tests.vectors")
    assert list(tmp_path.iterdir()) == []


def test_the_vectors_stay_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < MOST
