"""What differs between a stated value and a recomputed one, in words: each place once, with both values.

Invariants: pure; a record's text stands on one line and is cut short; at most ``MOST`` places are named, and whatever
the values are, none is told as this program writes its own data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec
from msgspec import structs

from registry.evaluation.verdict_text import plain

MOST = 3  # places that are named
_WHOLE = 12  # single values up to which a list is told whole
_LENGTH = 100  # characters of a value
Place = tuple[tuple[str, ...], Any, Any]


def difference(what: str, stated: Any, found: Any) -> str:
    """ "WHAT, PLACE: stated X, recomputed Y" for each of the first places that differ."""
    places = list(islice(_places((), stated, found), MOST + 1))
    said = [f"{', '.join((what, *path))}: stated {_said(one)}, recomputed {_said(two)}" for path, one, two in places]
    return "; ".join([*said[:MOST], *(["and more"] if len(said) > MOST else [])])


def _places(path: tuple[str, ...], stated: Any, found: Any) -> Iterator[Place]:
    one, two = _open(stated), _open(found)
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        for key in {**one, **two}:
            if one.get(key) != two.get(key) or (key in one) != (key in two):
                yield from _places((*path, _said(key)), one.get(key), two.get(key))
    elif _is_list(one) and _is_list(two) and not (_is_short(one) and _is_short(two)):
        if len(one) != len(two):
            yield (*path, "number"), len(one), len(two)
        for at, (left, right) in enumerate(zip(one, two, strict=False)):
            if left != right:
                yield from _places((*path, f"no. {at + 1}"), left, right)
    else:
        yield path, one, two


def _open(value: Any) -> Any:
    return structs.asdict(value) if isinstance(value, msgspec.Struct) else value


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _is_short(values: Any) -> bool:
    return len(values) <= _WHOLE and not any(isinstance(one, Mapping | list | tuple | msgspec.Struct) for one in values)


def _said(value: Any) -> str:
    if value is None or value == () or value == []:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return value.hex()[: 2 * 32]
    if _is_list(value):
        named = ", ".join(map(_said, value)) if _is_short(value) else f"{len(value)} entries"
    else:
        named = f"{len(value)} fields" if isinstance(value, Mapping) else str(value)
    text = plain(named).replace(";", ",")  # reasons are joined by ";"
    return text if len(text) <= _LENGTH else f"{text[:_LENGTH]}…"
