"""What a value of a record or a cell can be changed into: other values of its type, boundaries, nothing, another type,
and values that stand in the same field elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from registry.core.ipld.cid import CID
from registry.core.records.base import is_time

Path = tuple[str | int, ...]
_DECIMAL = re.compile(r"-?\d+\.\d+")
_HEX = re.compile(r"(?:.*:|0x)?[0-9a-f]{32,}")


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value inside a value, itself first, with the way to it."""
    yield path, value
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in parts:
        yield from walk(one, (*path, name))


def field_of(path: Path) -> str:
    """A way in words, the same for every member of a list: ``metrics[].value``."""
    return "".join("[]" if isinstance(one, int) else f".{one}" for one in path).removeprefix(".") or "(whole)"


def at(value: Any, path: Path) -> Any:
    """What lies at a way; ``LookupError`` where nothing does."""
    for one in path:
        value = value[one]
    return value


def replaced_at(value: Any, path: Path, new: Any) -> Any:
    """The value with something else at a way; it is copied as far as it changes."""
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced_at(value[path[0]], path[1:], new)
    return copy


def _moved(time: str, by: timedelta) -> str:
    return (datetime.fromisoformat(time) + by).strftime("%Y-%m-%dT%H:%M:%SZ")


def _texts(value: str) -> Iterator[tuple[str, Any]]:
    if is_time(value):
        for name, by in {"a year earlier": -365, "a day earlier": -1, "a day later": 1, "a year later": 365}.items():
            yield name, _moved(value, timedelta(days=by))
        yield "a second later", _moved(value, timedelta(seconds=1))
        return
    if _DECIMAL.fullmatch(value):
        yield "last place", value[:-1] + str((int(value[-1]) + 1) % 10)
        yield "first place", str((int(value[0]) + 1) % 10) + value[1:] if value[0].isdigit() else value[1:]
        yield "another form", value + "0"
    elif _HEX.fullmatch(value):
        yield "one digit", value[:-1] + ("0" if value[-1] != "0" else "1")
    yield "longer", value + "x"
    yield "other case", value.swapcase() if value.swapcase() != value else value + " "
    yield "empty", "" if value else "x"


def _numbers(value: int) -> Iterator[tuple[str, Any]]:
    yield "one more", value + 1
    yield "one less", value - 1
    yield "far more", value + 1000
    yield "boundary", (1 << 63) - 1 if value else 1 << 40


def _bytes(value: bytes) -> Iterator[tuple[str, Any]]:
    yield "last bit", value[:-1] + bytes([value[-1] ^ 1]) if value else b"\0"
    yield "first bit", bytes([value[0] ^ 1]) + value[1:] if value else b"\1"
    for part in (1, 2, 3) if len(value) > 40 else ():
        place = len(value) * part // 4
        yield f"a bit at {part}/4", value[:place] + bytes([value[place] ^ 4]) + value[place + 1 :]
    yield "shorter", value[:-1]
    yield "longer", value + b"\0"


def _lists(value: list[Any]) -> Iterator[tuple[str, Any]]:
    if value:
        yield "first removed", value[1:]
        yield "last removed", value[:-1]
        yield "one twice", [*value, value[-1]]
        yield "none", []
    if len(value) > 1 and value[0] != value[1]:
        yield "two swapped", [value[1], value[0], *value[2:]]
        yield "reversed", value[::-1]
    yield "text added", [*value, "added"]


def _maps(value: dict[str, Any], record: bool) -> Iterator[tuple[str, Any]]:
    for name in value if record else list(value)[:2]:
        yield f"without {name}" if record else "one removed", {key: one for key, one in value.items() if key != name}
    yield "one added", {**value, "added": "x"}
    if value and not record:
        yield "none", {}


def others(value: Any, *, fixed_keys: bool) -> Iterator[tuple[str, Any]]:
    """What one value becomes, each with a word for it. ``fixed_keys``: a map whose keys are fields."""
    if isinstance(value, CID):
        yield "named, not linked", bytes(value)
    elif isinstance(value, bool):
        yield "turned", not value
    elif isinstance(value, int):
        yield from _numbers(value)
    elif isinstance(value, str):
        yield from _texts(value)
    elif isinstance(value, bytes):
        yield from _bytes(value)
    elif isinstance(value, list):
        yield from _lists(value)
    elif isinstance(value, Mapping):
        yield from _maps(dict(value), fixed_keys)
    if value is None:
        yield "a text", "x"
        yield "a number", 1
        yield "bytes", b"\1" * 32
    else:
        yield "null", None
        yield "another type", [value] if not isinstance(value, list) else {"0": value}


def exchanged(value: Any) -> Iterator[tuple[str, str, Any]]:
    """A record or row in which two values of one type change places: one of them, a word for it, the new value."""
    names = list(value) if isinstance(value, dict) else list(range(len(value)))
    for one, other in combinations(names, 2):
        if type(value[one]) is type(value[other]) and value[one] != value[other] and value[one] is not None:
            made: Any = dict(value) if isinstance(value, dict) else list(value)
            made[one], made[other] = value[other], value[one]
            yield str(one), f"exchanged with {other}", made


def elsewhere(value: Any, pool: Sequence[Any]) -> Iterator[Any]:
    """Different values among those of a pool that are not this one, at most two."""
    found: list[Any] = []
    for one in pool:
        if one != value and one not in found:
            found.append(one)
            yield one
        if len(found) == 2:
            return
