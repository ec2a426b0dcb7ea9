"""SVG as text: the few shapes that figures are made of.

Invariants: the same arguments give the same bytes; text is escaped; ink is ``currentColor``, so that a figure
follows the page into the dark and onto paper; nothing refers to another file.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from html import escape

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B07D00", "#56B4E9")  # Okabe and Ito 2008, orange darkened
DASHES = ("", "7 3", "2 2", "9 3 2 3", "4 4", "14 4")
FONT = 'font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif" font-size="11"'
LETTER = 6.1  # pixels that a letter takes on average at 11


def number(value: float) -> str:
    """A coordinate with at most one decimal."""
    text = f"{value:.1f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def plain(text: str) -> str:
    """Without characters that XML forbids."""
    return "".join(letter for letter in text if unicodedata.category(letter) not in {"Cc", "Cs", "Cn"})


def shortened(text: str, most: int = 22) -> str:
    """At most so many letters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def room(names: Iterable[str], least: int = 40) -> int:
    """Pixels that the longest of these names, shortened, takes."""
    return max([least, *(round(LETTER * len(shortened(name))) for name in names)]) + 14


def picture(title: str, about: str, body: Iterable[str], width: float, height: float) -> str:
    """A whole figure with its name and its description in words."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}" role="img" '
        f'{FONT} fill="currentColor"><title>{escape(plain(title))}</title><desc>{escape(plain(about))}</desc>'
        f"{''.join(body)}</svg>"
    )


def text(x: float, y: float, words: str, anchor: str = "middle", extra: str = "") -> str:
    """A line of text."""
    place = f'x="{number(x)}" y="{number(y)}"'
    return f'<text {place} text-anchor="{anchor}"{extra}>{escape(plain(words))}</text>'


def grid(x1: float, y1: float, x2: float, y2: float) -> str:
    """A faint line."""
    ends = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
    return f'<line {ends} stroke="currentColor" stroke-opacity=".14"/>'


def stroke(index: int, dash: int | None = None) -> str:
    """How the series with this number is drawn: by colour and by dash."""
    pattern = DASHES[(index if dash is None else dash) % len(DASHES)]
    dashed = f' stroke-dasharray="{pattern}"' if pattern else ""
    return f'stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="2"{dashed}'
