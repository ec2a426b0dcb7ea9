"""What is wrong with JSON that a decoder passes over, or tells badly: a key stated twice, half of a surrogate pair.

RFC 8259, section 4, leaves open what an object with a key twice means, and section 8.2 what half of a pair does; here
both are refused wherever somebody sends them.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

NO_CHARACTER = r"half of a surrogate pair (\ud800 to \udfff), which is no character"
_HALF = re.compile("[\ud800-\udfff]")


def repeated_key(data: bytes) -> str | None:
    """A key that one object states twice; None where none does, and where ``data`` is no JSON."""
    if b"\\" not in data:  # so that each quote begins a text or ends it
        texts = data.split(b'"')[1::2]
        if len(set(texts)) == len(texts):
            return None
    found: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                found.append(key)
            seen.add(key)

    with suppress(ValueError, RecursionError):
        json.loads(data, object_pairs_hook=once)
    return found[0] if found else None


def half_pair(data: bytes) -> str | None:
    """Where a text of this JSON holds half of a surrogate pair, as ``rows[3].label`` ("" where the text is all there
    is); None where none does, and where ``data`` is no JSON."""
    left: list[tuple[str, Any]] = []
    with suppress(ValueError, RecursionError):
        left.append(("", json.loads(data)))
    while left:
        at, value = left.pop()
        if isinstance(value, str) and _HALF.search(value):
            return at
        if isinstance(value, list):
            left += [(f"{at}[{place}]", one) for place, one in enumerate(value)][::-1]
        if isinstance(value, dict):
            if any(map(_HALF.search, value)):
                return at
            left += [(f"{at}.{key}" if at else key, one) for key, one in value.items()][::-1]
    return None
