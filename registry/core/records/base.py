"""What every record has in common: its version, and times that are times.

Invariant: a field that holds a time holds RFC 3339 UTC to the second and a day that exists, checked whenever a record
is made or read.
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from registry.core.errors import InvalidInput

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_TIMES = frozenset({"issued_at", "started", "ended", "effective", "time"})


def is_time(text: str) -> bool:
    """Whether this is RFC 3339 UTC to the second, such as 2026-11-23T15:00:00Z."""
    try:
        return bool(_TIME.fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False


def check_time(text: str) -> None:
    """``InvalidInput`` ``invalid_time`` unless this is a time as records write it."""
    if not is_time(text):
        raise InvalidInput(f"{text!r} is not a time", code="invalid_time", hint="write it like 2026-11-23T15:00:00Z.")


def _check_times(thing: msgspec.Struct) -> None:
    for name in _TIMES.intersection(thing.__struct_fields__):
        check_time(getattr(thing, name))


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", tag_field="type"):
    """Base of every record. ``v`` is the version of its type; a type that has had changes states its newest itself."""

    v: int = 1

    def __post_init__(self) -> None:
        _check_times(self)


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A map inside a record, with no type of its own."""

    def __post_init__(self) -> None:
        _check_times(self)
