"""A stranger's text as a page may show it: it can't turn the text around it about, nor cover the lines above it.

Invariant: what most people write is shown as it is; records keep the text as it was.
"""

from __future__ import annotations

import unicodedata

MAX_MARKS = 8  # on one letter: more than any language needs, few enough to stay within a line
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # the direction of what follows
_PLAIN_BELOW = "\u0300"  # neither marks nor turning signs


def displayed(text: str) -> str:
    """The text with a visible sign for each that turns text, and at most ``MAX_MARKS`` marks on a letter."""
    if not text or max(text) < _PLAIN_BELOW:
        return text
    found, marks = [], 0
    for letter in text:
        kind = unicodedata.category(letter)
        if kind in {"Mn", "Me"}:
            marks += 1
        elif kind != "Cf":  # an invisible sign between marks begins no other letter
            marks = 0
        if marks <= MAX_MARKS:
            found.append("\ufffd" if letter in _TURNING else letter)
    return "".join(found)
