"""Cleaning of text from outside: the one rule for all text that people and programs give.

Invariants: what ``clean`` returns is in NFC, trimmed, not blank, within its field's bound, and can be held by
dag-cbor, by SQLite and by PostgreSQL (an indexed value stays far below the 2,704 bytes of a PostgreSQL index row).
Nothing is taken out: a text is kept whole or refused, so nobody is quoted with what they did not say. Format
characters (joiners of emoji, marks of direction) are text; where they would steer a terminal, the terminal's
writer escapes them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache

from registry.core.errors import InvalidInput
from registry.core.text.figure_names import check_attribute

# Characters in NFC, by the field that holds them.
LINE = 200  # where ``BOUNDS`` says nothing else
BOUNDS = {
    "label": 200,
    "contributor": 200,
    "subject": 200,
    "licence": 200,
    "consent": 200,
    "attribute": 200,  # its name
    "value": 200,  # of an attribute
    "right": 1000,  # what a signal of rights says
    "name": 200,
    "reason": 2000,
    "file": 500,
}
_PARTS = 4  # a letter with its marks may come in so many characters that NFC makes one; more is too long unread
# Controls, halves of a surrogate pair, line and paragraph separators: none has a place in a line of text.
_REFUSED = {"Cc": "a control character", "Cs": "half a surrogate pair", "Zl": "a line break", "Zp": "a line break"}
_AROUND = " \t\r\n\u00a0\u3000"  # str.strip() would also take controls, and say nothing of it
_UNSEEN = frozenset(("Cf", "Zs"))
_BLANK_CODES = {"label": "empty_label"}
_BLANK = {"label": "say one, or leave the row out.", "reason": "say one."}  # the way out of what can't be left out


def sha256_text(digest: bytes) -> str:
    """A digest with its algorithm, as records and messages state it."""
    return f"sha256:{digest.hex()}"


def counted(number: int, one: str, several: str | None = None) -> str:
    """A number with its noun, for a sentence: "1 row", "2 rows"; ``several`` if not with an s."""
    return f"{number} {one if number == 1 else several or one + 's'}"


def check(field: str, text: str) -> str:
    """``text`` as it is. ``InvalidInput`` if it is too long, blank, or holds what no line of text may hold.

    For what must stay as somebody wrote it (a file's name, a signed record's cell); ``clean`` for the rest.
    """
    most = BOUNDS.get(field, LINE)
    if len(text) > most:
        raise _refused(field, f"is longer than {most} characters", "shorten it.")
    kinds = [unicodedata.category(sign) for sign in text]
    for place, kind in enumerate(kinds, 1):
        if kind in _REFUSED:
            what = f"holds {_REFUSED[kind]} (U+{ord(text[place - 1]):04X}) at character {place}"
            raise _refused(field, what, "take it out.")
    if all(kind in _UNSEEN for kind in kinds):
        hint = _BLANK.get(field, "leave it out, or say something.")
        raise _refused(field, "is blank", hint, _BLANK_CODES.get(field, "bad_text"))
    return text


@lru_cache(1 << 12)  # labels, names and licences come again and again
def clean(field: str, text: str) -> str:
    """``text`` in NFC and trimmed, checked. ``InvalidInput`` otherwise (``bad_text``; blank label: ``empty_label``)."""
    most = BOUNDS.get(field, LINE)
    if len(text) > most * _PARTS:
        raise _refused(field, f"is longer than {most} characters", "shorten it.")
    return check(field, unicodedata.normalize("NFC", text).strip(_AROUND))


def clean_given(field: str, text: str | None) -> str | None:
    """``clean`` of a text that may be left out: None stays None."""
    return None if text is None else clean(field, text)


def clean_attribute(name: str) -> str:
    """An attribute's name, clean. ``InvalidInput`` also for one by which figures are named."""
    return check_attribute(clean("attribute", name))


def clean_pairs(
    given: Mapping[str, str], clean_name: Callable[[str], str], clean_value: Callable[[str], str]
) -> dict[str, str]:
    """Texts by name, both cleaned. ``InvalidInput`` also where two names become one."""
    cleaned = [(clean_name(name), clean_value(value)) for name, value in given.items()]
    pairs = dict(cleaned)
    if len(pairs) != len(cleaned):
        raise _refused("attribute", "stands twice in one row", "name each attribute once.")
    return pairs


def _refused(field: str, what: str, hint: str, code: str = "bad_text") -> InvalidInput:
    noun = {"value": "attribute's value", "attribute": "attribute's name"}.get(field, field)
    return InvalidInput(f"the {noun} {what}", code=code, hint=hint)
