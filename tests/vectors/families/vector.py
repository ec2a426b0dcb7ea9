"""One vector: a name, an input, and what every verifier must answer: a value, or that it refuses, and why.

Values are DAG-JSON: a link is ``{"/": CID}``, bytes are ``{"/": {"bytes": base64 without padding}}``. Whether a vector
is refused, and with which code, is written by hand in its family; values are those of our code when it was made, and
``tests/vectors/test_vectors.py`` holds later code to them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.ipld.encoding import to_dag_json

Answer = Callable[[Any], Any]


class Vector(NamedTuple):
    """``refused`` is the code of the error, ``why`` says it in words; both are "" where it is accepted."""

    name: str
    input: Any
    expected: Any = None
    refused: str = ""
    why: str = ""


class Family(NamedTuple):
    """Vectors of one kind. ``about`` says what is given and asked; ``answer`` is our code's."""

    name: str
    about: str
    answer: Answer
    vectors: Callable[[], Sequence[Vector]]


def good(answer: Answer, name: str, given: Any) -> Vector:
    """A vector that is accepted, with our answer."""
    return Vector(name, given, answer(given))


def refused_as(answer: Answer, given: Any) -> str:
    """The code with which an input is refused; "" where it is not."""
    try:
        answer(given)
    except EmotionetError as error:
        return error.code
    return ""


def plain(value: Any) -> Any:
    """A value as JSON holds it."""
    return json.loads(to_dag_json(value))


def value_of(json_value: Any) -> Any:
    """The value that was written so."""
    if isinstance(json_value, list):
        return [value_of(one) for one in json_value]
    if not isinstance(json_value, dict):
        return json_value
    if set(json_value) == {"/"}:
        inner = json_value["/"]
        if isinstance(inner, str):
            return CID.parse(inner)
        return base64.b64decode(inner["bytes"] + "=" * (-len(inner["bytes"]) % 4))
    return {key: value_of(one) for key, one in json_value.items()}


def written(family: Family) -> str:
    """A family's file: a vector a line."""
    lines = []
    for one in family.vectors():
        said = {"name": one.name, "input": plain(one.input)}
        said |= {"refused": one.refused, "why": one.why} if one.refused else {"expected": plain(one.expected)}
        lines.append(json.dumps(said, ensure_ascii=True, separators=(",", ":")))
    head = json.dumps({"family": family.name, "about": family.about}, ensure_ascii=True)
    return head[:-1] + ', "vectors": [\n' + ",\n".join(lines) + "\n]}\n"
