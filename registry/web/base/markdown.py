"""Markdown of model cards as HTML: headings, paragraphs, lists, tables, quotes, code; everything else stays text.

Invariants: whatever a stranger wrote, the result holds only the elements named here, without any attribute but ours:
no link, no picture, no HTML of the text's own. The work is in proportion to the text's length. Headings begin at a
level that the caller names, so that a card fits into a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape, unescape

from markupsafe import Markup

_FENCE = re.compile(r"```[A-Za-z0-9_-]{0,20}\s*")
_HEAD = re.compile(r"(#{1,6})\s+(.*)")
_RULE = re.compile(r"\|?(\s*:?-+:?\s*\|)+\s*:?-*:?\s*")
_CELL = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\([\\`*\[\]|~#>+\-_])")
_CODE = re.compile(r"`([^`]*)`")
_BOLD = re.compile(r"\*\*([^*]+)\*\*")
FRONT = "---"


def card_html(text: str, first: int = 3) -> Markup:
    """A card's text as HTML, its front matter left out; its highest headings are of the level ``first``."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    if lines and lines[0] == FRONT and FRONT in lines[1:]:
        lines = lines[lines.index(FRONT, 1) + 1 :]
    return Markup("\n".join(_blocks(lines, first)))  # noqa: S704  every text in it was escaped


def _blocks(lines: Sequence[str], first: int) -> Iterator[str]:
    at = 0
    while at < len(lines):
        line = lines[at]
        end = at + 1
        if not line.strip():
            pass
        elif _FENCE.fullmatch(line):
            end = _until(lines, at + 1, lambda one: one.startswith("```"))
            yield _code(lines[at + 1 : end])
            end += 1
        elif line.startswith("    "):
            end = _until(lines, at, lambda one: not one.startswith("    "))
            yield _code([one[4:] for one in lines[at:end]])
        elif found := _HEAD.match(line):
            level = min(6, first + len(found[1]) - 1)
            yield f"<h{level}>{inline(found[2])}</h{level}>"
        elif line.startswith("|") and at + 1 < len(lines) and _RULE.fullmatch(lines[at + 1]):
            end = _until(lines, at, lambda one: not one.startswith("|"))
            yield _table(lines[at:end])
        elif line.startswith("- "):
            end = _until(lines, at, lambda one: not one.startswith(("- ", "  ")))
            yield f"<ul>{''.join(f'<li>{inline(one)}</li>' for one in _items(lines[at:end]))}</ul>"
        elif line.startswith(">"):
            end = _until(lines, at, lambda one: not one.startswith(">"))
            yield f"<blockquote><p>{inline(' '.join(one[1:].strip() for one in lines[at:end]))}</p></blockquote>"
        else:
            end = _until(lines, at + 1, _begins)
            yield f"<p>{inline(' '.join(lines[at:end]))}</p>"
        at = end


def _until(lines: Sequence[str], at: int, ends: object) -> int:
    assert callable(ends)
    return next((place for place in range(at, len(lines)) if ends(lines[place])), len(lines))


def _begins(line: str) -> bool:
    """Whether a line ends the paragraph before it."""
    return not line.strip() or line.startswith(("|", "- ", ">", "```")) or bool(_HEAD.match(line))


def _code(lines: Sequence[str]) -> str:
    return f'<pre tabindex="0"><code>{escape(chr(10).join(lines))}</code></pre>'


def _items(lines: Sequence[str]) -> list[str]:
    items: list[str] = []
    for line in lines:
        if line.startswith("- "):
            items.append(line[2:])
        else:
            items[-1] += " " + line.strip()
    return items


def _table(lines: Sequence[str]) -> str:
    head, _, *rows = ([cell.strip() for cell in _CELL.split(line.strip().strip("|"))] for line in lines)
    top = "".join(f'<th scope="col">{inline(cell)}</th>' for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{inline(cell)}</td>' for cell in row[: len(head)])}</tr>" for row in rows)
    table = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0">{table}</div>'


def inline(text: str) -> str:
    """A line's code and bold parts; the rest as text, escapes undone."""
    parts = []
    for place, part in enumerate(_CODE.split(text)):
        parts.append(f"<code>{escape(part)}</code>" if place % 2 else _bold(part))
    return "".join(parts)


def _bold(text: str) -> str:
    parts = []
    for place, part in enumerate(_BOLD.split(text)):
        words = escape(unescape(_ESCAPED.sub(r"\1", part)))
        parts.append(f"<strong>{words}</strong>" if place % 2 else words)
    return "".join(parts)
