"""SVG as text: the few shapes that figures are made of.

Invariants: the same arguments give the same bytes; text is escaped; ink is ``currentColor``, so that a figure
follows the page into the dark and onto paper; nothing refers to another file. The first 42 series differ in dash or
marker, so that no reader needs their colours.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from registry.core.text.display import displayed

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B07D00", "#56B4E9")  # Okabe and Ito 2008, orange darkened
DASHES = ("", "7 3", "2 2", "9 3 2 3", "4 4", "14 4")
MARKERS = (  # around 0 0
    "M-3.4 0A3.4 3.4 0 1 0 3.4 0A3.4 3.4 0 1 0 -3.4 0Z",
    "M-3 -3H3V3H-3Z",
    "M0 -4L4 3H-4Z",
    "M0 -4.4L4.4 0L0 4.4L-4.4 0Z",
    "M0 4L4 -3H-4Z",
    "M-3.4 -3.4L3.4 3.4M-3.4 3.4L3.4 -3.4",
    "M-4 0H4M0 -4V4",
)
FONT = 'font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif" font-size="11"'
LETTER = 6.6  # pixels that a letter takes on average at 11


@dataclass(frozen=True)
class Drawing:
    """A figure: its title, its SVG, and the same data as a table for who can't, or won't, look at it."""

    title: str
    svg: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    wide: bool = False


def number(value: float) -> str:
    """A coordinate with at most one decimal."""
    text = f"{value:.1f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def plain(text: str) -> str:
    """Without characters that XML forbids, and as ``displayed``."""
    return "".join(letter for letter in displayed(text) if unicodedata.category(letter) not in {"Cc", "Cs", "Cn"})


def shortened(text: str, most: int = 22) -> str:
    """At most so many letters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def label_width(names: Iterable[str], most: int = 22, least: int = 40) -> int:
    """Pixels that the longest of these names, shortened, takes."""
    return max([least, *(round(LETTER * len(shortened(name, most))) for name in names)]) + 14


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


def upright(x: float, y: float, words: str) -> str:
    """A line of text that runs upward."""
    return text(x, y, words, "middle", f' transform="rotate(-90 {number(x)} {number(y)})"')


def stroke(index: int, dash: int | None = None) -> str:
    """How the series with this number is drawn: by colour and by dash."""
    pattern = DASHES[(index if dash is None else dash) % len(DASHES)]
    dashed = f' stroke-dasharray="{pattern}"' if pattern else ""
    return f'stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="2"{dashed}'


def marker(index: int, x: float, y: float) -> str:
    """The sign of the series with this number."""
    shape, colour = MARKERS[index % len(MARKERS)], COLOURS[index % len(COLOURS)]
    place = f'transform="translate({number(x)} {number(y)})"'
    return f'<path d="{shape}" fill="{colour}" stroke="{colour}" stroke-width="1.6" {place}/>'


def polyline(points: Sequence[tuple[float, float]], style: str) -> str:
    """A line through points; nothing where there are none."""
    if not points:
        return ""
    path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return f'<polyline fill="none" stroke-linejoin="round" {style} points="{path}"/>'
