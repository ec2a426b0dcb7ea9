"""Whether a verifier's answer is what a vector expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from registry.provenance.checks.results import FAILS, HOLDS
from tests.conformance.vectors import Vector

State = Literal["passed", "not made", "wrong"]
RESULTS = frozenset({HOLDS, FAILS, "not checked"})


class Judgement(NamedTuple):
    """``not made``: the verifier says so of a check that matters here, and nothing wrong. ``why`` is for people."""

    name: str
    state: State
    why: str = ""


def judge(vector: Vector, document: Any, status: int | None = None) -> Judgement:
    """``status``: the exit status, where the verifier was run on this file alone."""
    said = _results(document)
    if said is None:
        return Judgement(vector.name, "wrong", "the answer is no document of the protocol")
    refuses = FAILS in said.values()
    if status is not None and (status != 0) is not (refuses or not accepted(document)):
        return Judgement(vector.name, "wrong", f"exit status {status} does not fit the checks")
    if not vector.fails and refuses:
        alarms = [id for id, result in said.items() if result == FAILS]
        return Judgement(vector.name, "wrong", f"false alarm: {', '.join(alarms)}")
    if believed := [id for id in vector.unshown if said.get(id) == HOLDS]:
        return Judgement(vector.name, "wrong", f"shown by nobody who is trusted: {', '.join(believed)}")
    wanted = {**dict.fromkeys(vector.holds, HOLDS), **dict.fromkeys(vector.fails, FAILS)}
    missing = []
    for id, result in wanted.items():
        found = said.get(id, "not checked")
        if found == "not checked":
            missing.append(id)
        elif found != result:
            return Judgement(vector.name, "wrong", f"{id} {found}")
    return Judgement(vector.name, "not made", ", ".join(missing)) if missing else Judgement(vector.name, "passed")


def accepted(document: Mapping[str, Any]) -> bool:
    """False where a verifier says by ``holds`` that it does not accept the file, whatever its checks are."""
    return document.get("holds", True) is True


def _results(document: Any) -> dict[str, str] | None:
    try:
        found = {str(check["id"]): str(check["result"]) for check in document["checks"]}
    except (KeyError, TypeError):
        return None
    return found if found.keys() and set(found.values()) <= RESULTS else None
