"""Lines of JSON, an object a row, as Hugging Face's metadata.jsonl: ``file_name``, ``label``, and ``objects`` with
``bbox`` (x, y, w, h in pixels) and ``categories``.

Invariants: numbers and truth values become text as JSON writes them; a list of objects makes a row of each; the
objects ``attributes``, ``sources`` and ``rights`` are texts by name, as ``attr.NAME`` and the others are; what is
nested otherwise counts as a column that means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from registry.content.labels.tables.columns import MAX_COLUMNS, Columns, Mapped, normalized, understand
from registry.content.labels.tables.delimited import Line, decode
from registry.core.errors import InvalidInput
from registry.core.labeling.labeled_row import PREFIXES
from registry.core.text.json_faults import repeated_key

_LISTS = ("bbox", "box", "categories", "category", "label", "labels")
MAX_LINE = 4 << 20
_WAY_OUT = 'write an object a line: {"file_name": "a.jpg", "label": "one"}.'


def read_jsonl(data: bytes, table: str, mapping: Mapped) -> tuple[Columns, Iterator[Line]]:
    """The columns, and a line a row (several of one number where a row lists objects)."""
    objects = list(_objects(decode(data, table), table))
    keys: dict[str, None] = {}
    for _, row in objects:
        keys.update(dict.fromkeys(row))
        if len(keys) > MAX_COLUMNS:
            raise InvalidInput(f"{table} has more than {MAX_COLUMNS} keys", code="bad_labels")
    header = list(keys)
    columns = understand(header, mapping, table)
    return columns, ((number, [row.get(key, "") for key in header]) for number, row in objects)


def _objects(text: str, table: str) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = msgspec.json.decode(line) if len(line) <= MAX_LINE else None
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            raise InvalidInput(
                f"line {number} of {table} is not JSON: {error}", code="bad_labels", hint=_WAY_OUT
            ) from error
        if not isinstance(found, dict):
            raise InvalidInput(f"line {number} of {table} is not a JSON object", code="bad_labels", hint=_WAY_OUT)
        if (key := repeated_key(line.encode())) is not None:
            raise InvalidInput(
                f"line {number} of {table} states {key} twice", code="bad_labels", hint="state each key once."
            )
        for row in _rows(found):
            yield number, row


def _rows(found: dict[str, Any]) -> Iterator[dict[str, str]]:
    plain = {key: _text(value) for key, value in found.items() if not isinstance(value, (dict, list))}
    plain |= {key: _box(value) for key, value in found.items() if normalized(key) in ("box", "bbox") and _box(value)}
    named = {field: found[field] for field in PREFIXES if isinstance(found.get(field), dict)}
    plain |= {PREFIXES[field] + key: _text(value) for field, values in named.items() for key, value in values.items()}
    objects = found.get("objects")
    lists: dict[str, list[Any]] = {}
    if isinstance(objects, dict):
        lists = {key: objects[key] for key in _LISTS if isinstance(objects.get(key), list)}
    if not lists:
        yield plain
        return
    boxes = lists.get("bbox", lists.get("box", []))
    kinds: list[Any] = next((lists[key] for key in _LISTS[2:] if key in lists), [])
    for index in range(max(len(boxes), len(kinds), 1)):
        row = dict(plain)
        if index < len(boxes):
            row["box"] = _box(boxes[index]) or _text(boxes[index])
        if index < len(kinds) and "label" not in plain:
            row["label"] = _text(kinds[index])
        yield row


def _box(value: Any) -> str:
    """A box, or a list of them, as a cell has it."""
    boxes = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
    if not all(isinstance(box, list) and box and all(isinstance(one, (int, float)) for one in box) for box in boxes):
        return ""
    return "; ".join(" ".join(map(str, box)) for box in boxes)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
