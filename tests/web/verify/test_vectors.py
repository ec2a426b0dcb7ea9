"""The verifier in JavaScript gives every vector's answer: it was written from docs/format.md alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.verifier import verifier_script

FOLDER = Path(__file__).parents[2] / "vectors" / "format-1"
HERE = Path(__file__).parent
FAMILIES = sorted(path.stem for path in FOLDER.glob("*.json"))


@pytest.fixture(scope="module")
def answers(node: str) -> list[dict[str, object]]:
    """What ``vectors.js`` prints of all families: what is answered otherwise, and how many vectors each has."""
    command = [node, str(HERE / "vectors.js"), str(verifier_script()), str(FOLDER), *FAMILIES]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_verifier_answers_every_vector_as_stated(answers: list[dict[str, object]], family: str) -> None:
    vectors = json.loads((FOLDER / f"{family}.json").read_text("utf-8"))["vectors"]
    of_family = [answer for answer in answers if answer["family"] == family]
    assert of_family == [{"family": family, "vectors": len(vectors)}]
