"""The reasons of an audit's checks in other languages than English, in which checks write them.

Invariant: a reason is translated whole or not at all: what no form of ``words/reasons.toml`` matches stays English, and
is said to be.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from string import Formatter

from registry.evaluation.sentences import LANGUAGES, read_words

_MOST = 2000  # characters of a reason that are looked at


def check_reason(reason: str, language: str) -> tuple[str, str]:
    """A reason, and the language that it is in. Several, joined by "; ", are translated one by one."""
    if not reason or language == "en" or len(reason) > _MOST:
        return reason, language if not reason else "en"
    at = LANGUAGES.index(language)
    whole = _translated(reason, at)
    if whole is not None:
        return whole, language
    parts = [_translated(part, at) for part in reason.split("; ")]
    known = [part for part in parts if part is not None]
    return ("; ".join(known), language) if len(known) == len(parts) else (reason, "en")


def _translated(text: str, at: int) -> str | None:
    for form, texts in _forms():
        found = form.fullmatch(text)
        if found:
            return texts[at].format(**found.groupdict())
    return None


@cache
def _forms() -> list[tuple[re.Pattern[str], tuple[str, ...]]]:
    """English forms as patterns, in the file's order: the first that matches counts."""
    sections = read_words(files("registry.web").joinpath("words", "reasons.toml"))
    return [(_pattern(texts[0]), texts) for texts in sections["check_reason"].values()]


def _pattern(text: str) -> re.Pattern[str]:
    """Names of numbers (n, m, k) stand for digits, all others for any text."""
    found = ""
    for plain, name, _, _ in Formatter().parse(text):
        found += re.escape(plain)
        if name is not None:
            found += f"(?P<{name}>{'[0-9]+' if len(name) == 1 else '.+?'})"
    return re.compile(found)
