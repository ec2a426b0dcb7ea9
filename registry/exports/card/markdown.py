"""Escapes text from outside for a card: as a line, a table cell or a YAML string.

Invariants: text from outside can end neither its line nor its cell, and makes neither a heading nor a link nor HTML;
a YAML string is a JSON string, which YAML contains.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([\\`*\[\]|~]|^[#>+-])")


def line(text: object) -> str:
    """One line of plain text: no control characters, no Markdown, no HTML."""
    words = "".join(letter if letter.isprintable() else " " for letter in str(text)).split()
    return _MARKUP.sub(r"\\\1", " ".join(words)).replace("&", "&amp;").replace("<", "&lt;")


def yaml_text(text: object) -> str:
    """A JSON string, so that nothing from outside can break out of its place."""
    return json.dumps("".join(letter for letter in str(text) if letter.isprintable()), ensure_ascii=False)


def table(head: Sequence[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """A Markdown table and an empty line; what has no value is a dash."""
    lines = [f"| {' | '.join(map(line, head))} |", f"|{' --- |' * len(head)}"]
    cells = ("–" if value is None else line(value) for row in rows for value in row)
    width = len(head)
    listed = list(cells)
    lines += [f"| {' | '.join(listed[start : start + width])} |" for start in range(0, len(listed), width)]
    return [*lines, ""]
