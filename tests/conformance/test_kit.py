"""The conformance kit: its vectors, its protocol, and our two verifiers under it (all vectors: ``.ci/run``)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.__main__ import run, write
from tests.conformance.judged import judge
from tests.conformance.vectors import Vector, vectors

GOOD = Vector("good", lambda path: path.write_bytes(b"good"), ("1.blocks",), ())
BAD = Vector("bad", lambda path: path.write_bytes(b"bad"), (), ("1.blocks",))
UNKNOWN = Vector("unknown", lambda path: path.write_bytes(b"good"), ("1.blocks",), (), ("3.evidence",))
EVIDENCE = "evidence, "
CHOSEN = [one for at, one in enumerate(vectors()) if at % 7 == 0 or one.name.startswith(EVIDENCE)]


def said(**results: str) -> dict[str, Any]:
    return {"checks": [{"id": id.replace("_", "."), "result": result} for id, result in results.items()]}


def test_the_vectors_are_many_named_once_and_the_same_to_the_byte(tmp_path: Path) -> None:
    made = vectors()
    assert len([one for one in made if one.fails]) >= 60
    assert len([one for one in made if not one.fails]) >= 4
    assert len({one.file_name for one in made}) == len(made)
    one, two = (write(tmp_path / name, CHOSEN) for name in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("verifier", ["audit", "page"])
def test_our_verifiers_pass(verifier: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.conformance.ours", verifier]
    judged = run(command, CHOSEN, tmp_path, batch=True)
    assert [one for one in judged if one.state != "passed"] == []
    assert len(judged) == len(CHOSEN)


@pytest.mark.parametrize(
    ("vector", "document", "status", "state"),
    [
        (GOOD, said(**{"1_blocks": "holds"}), 0, "passed"),
        (GOOD, said(**{"1_blocks": "holds"}), 1, "wrong"),
        (GOOD, said(**{"1_blocks": "not checked"}), 0, "not made"),
        (GOOD, said(**{"1_blocks": "holds", "6_card": "does not hold"}), 1, "wrong"),
        (BAD, said(**{"1_blocks": "does not hold"}), 1, "passed"),
        (BAD, said(**{"1_blocks": "does not hold"}), 0, "wrong"),
        (BAD, said(**{"1_blocks": "holds"}), 0, "wrong"),
        (BAD, said(**{"2_log": "holds"}), 0, "not made"),
        (UNKNOWN, said(**{"1_blocks": "holds", "3_evidence": "not checked"}), 0, "passed"),
        (UNKNOWN, said(**{"1_blocks": "holds", "3_evidence": "holds"}), 0, "wrong"),
        (BAD, said(**{"1_blocks": "perhaps"}), 0, "wrong"),
        (BAD, said(), 1, "wrong"),
        (BAD, None, 1, "wrong"),
        (BAD, [], 1, "wrong"),
    ],
)
def test_an_answer_is_judged(vector: Vector, document: Any, status: int, state: str) -> None:
    assert judge(vector, document, status).state == state


def test_a_verifier_that_says_yes_to_everything_is_shown_wrong(tmp_path: Path) -> None:
    program = 'print(\'{"checks": [{"id": "1.blocks", "result": "holds"}]}\')'
    judged = run([sys.executable, "-c", program], [GOOD, BAD], tmp_path, batch=False)
    assert [one.state for one in judged] == ["passed", "wrong"]


def test_a_verifier_that_answers_for_too_few_files_is_wrong_for_the_others(tmp_path: Path) -> None:
    judged = run([sys.executable, "-c", "print('{')"], [GOOD, BAD], tmp_path, batch=True)
    assert [one.state for one in judged] == ["wrong", "wrong"]
