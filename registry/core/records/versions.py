"""Which versions of each record type are read, and what an old one means today (docs/adr/0011).

``v`` of a record's map is the version of its type. The newest is the one that is written; all before it are read for
ever. ``STEPS`` has one step for each of them: what version n of a type lacks, or says otherwise, than version n + 1.

Invariants: pure; ``down`` undoes ``up``, so that an old record is encoded again to the bytes that it was read from; a
version above the newest is ``NewerVersion``, never "malformed".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from registry.core.errors import InvalidInput, NewerVersion

Value = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """From the map of version n to that of version n + 1 (``up``), and back (``down``). ``InvalidInput`` from ``up``
    for a map that holds what its version has not, from ``down`` for one that says what its version can't."""

    up: Callable[[Value], Value]
    down: Callable[[Value], Value]


def added(**meant: Any) -> Step:
    """Fields, by their wire names, that version n + 1 added, each with what their absence means."""

    def up(value: Value) -> Value:
        if held := value.keys() & meant.keys():
            raise InvalidInput(f"{min(held)} is not a field of this version", code="malformed_record")
        return {**value, **meant}

    def down(value: Value) -> Value:
        for name, one in meant.items():
            if value[name] != one:
                raise InvalidInput(f"a record of this version can't say {name}", code="record_version")
        return {name: one for name, one in value.items() if name not in meant}

    return Step(up, down)


STEPS: dict[str, tuple[Step, ...]] = {  # by record type
    "snapshot": (added(trusted=[], use=None),),
    "audit": (added(sample=None),),
    "plan": (added(beacons=[], correction="none"),),
    "withdrawal": (added(issuer=None, contributor=None),),
    "entry": (added(authority=None),),
    "keys": (added(recovery=None),),
}


def newest(kind: str) -> int:
    """The version of a record type that is written."""
    return 1 + len(STEPS.get(kind, ()))


def check(kind: str, version: object, newest: int) -> int:
    """A version that this program reads. ``NewerVersion`` above ``newest``; ``InvalidInput`` for anything else."""
    if not isinstance(version, int) or version < 1:
        raise InvalidInput(f"{version!r} is not a version of a {kind}", code="record_version")
    if version > newest:
        raise NewerVersion(kind, version)
    return version


def up(kind: str, version: int, value: Mapping[str, Any]) -> Value:
    """The map of a record of ``version``, as the newest would say it; ``v`` stays."""
    found = dict(value)
    for step in STEPS.get(kind, ())[version - 1 :]:
        found = step.up(found)
    return found


def down(kind: str, version: int, value: Mapping[str, Any]) -> Value:
    """The map of a record as ``version`` writes it."""
    found = dict(value)
    for step in reversed(STEPS.get(kind, ())[version - 1 :]):
        found = step.down(found)
    return found
