"""Records that a stranger plants: an honest record with one of its values replaced, field by field, by a lie.

Nothing here names a type of record or a field: a new one is covered without being mentioned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from registry.core.ipld import encoding

Path = tuple[str | int, ...]
HALF = "\ue000"  # stands for half of a surrogate pair, which no text of Python's encoder has: three bytes, too
_HALF, _HALF_BYTES = HALF.encode(), b"\xed\xa0\x80"


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is no list and no map, with the way to it."""
    if isinstance(value, (list, dict)):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(one, (*path, name))
        return
    yield path, value


def different(value: Mapping[str, Any], kind: type) -> Iterator[Path]:
    """The ways to values of a kind: of lists' members the first alone; not to what says what the record is."""
    met = set()
    for path, one in leaves(value):
        place = tuple(0 if isinstance(step, int) else step for step in path)
        if type(one) is kind and path not in {("type",), ("v",)} and place not in met:
            met.add(place)
            yield path


def replaced(value: Any, path: Path, lie: Any) -> Any:
    """The same value with another one at the end of a way."""
    if not path:
        return lie
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], lie)
    return copy


def encoded(value: Any) -> bytes:
    """As a stranger writes it: ``HALF`` becomes bytes that are no UTF-8."""
    return encoding.encode(value).replace(_HALF, _HALF_BYTES)


def lies(value: Mapping[str, Any], instead: Mapping[type, Mapping[str, Any]]) -> Iterator[tuple[str, bytes]]:
    """A name and the bytes of every record that differs in one value: by its type, what stands ``instead``."""
    for kind, others in instead.items():
        for path in different(value, kind):
            for name, lie in others.items():
                yield f"{'.'.join(map(str, path))}: {name}", encoded(replaced(value, path, lie))
