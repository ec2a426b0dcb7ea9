"""The reasons of an audit's checks in other languages than English, in which checks write them.

Invariant: a reason is translated whole or not at all: what no form of ``words/reasons.toml`` matches stays English, and
is said to be.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from string import Formatter

from registry.evaluation.sentences import LANGUAGES, Texts, read_words
from registry.web.base.fill_in import fill_in

_MOST = 2000  # characters of a reason that are looked at
_UNIT = re.compile(r"(?<=[0-9]) (?=[^\W\d])")  # between a number and what it counts
_COUNTS = re.compile(r"[0-9]+ [a-z_]+(, [0-9]+ [a-z_]+)*")


def check_reason(reason: str, language: str) -> tuple[str, str]:
    """A reason, and the language that it is in. Several are joined by "; "."""
    if language == "en" or not reason:
        return reason, language
    if len(reason) > _MOST:
        return reason, "en"
    at = LANGUAGES.index(language)
    parts = [_translated(part, at) for part in reason.split("; ")]
    known = [part for part in parts if part is not None]
    if len(known) == len(parts):
        return "; ".join(known), language
    return reason, "en" if " " in reason else language  # an identifier alone is of no language


def _translated(text: str, at: int) -> str | None:
    for form, texts in _forms():
        found = form.fullmatch(text)
        if found:
            said = fill_in(texts[at], {name: _value(value, at) for name, value in found.groupdict().items()})
            return _UNIT.sub("\u00a0", said)
    return None


def _value(value: str, at: int) -> str:
    """An outcome, or a list of counts such as "3 blur, 1 noise", with its words; all else as it is."""
    outcome = next((texts for texts in _sections()["check_outcome"].values() if texts[0] == value), None)
    if outcome is not None:
        return outcome[at]
    if not _COUNTS.fullmatch(value):
        return value
    known = _sections()["check_word"]
    pairs = (one.split(" ") for one in value.split(", "))
    return ", ".join(f"{n} {known[word][at] if word in known else word}" for n, word in pairs)


@cache
def _forms() -> list[tuple[re.Pattern[str], tuple[str, ...]]]:
    """English forms as patterns, in the file's order: the first that matches counts."""
    return [(_pattern(texts[0]), texts) for texts in _sections()["check_reason"].values()]


@cache
def _sections() -> Texts:
    return read_words(files("registry.web").joinpath("words", "reasons.toml"))


def _pattern(text: str) -> re.Pattern[str]:
    """Names of numbers (n, m, k) stand for digits, all others for any text; forms of a word for one of them."""
    found = ""
    for plain, name, _, _ in Formatter().parse(text):
        found += re.escape(plain)
        if name is None:
            continue
        number, *either = name.split("|")
        anything = "[0-9]+" if len(number) == 1 else "[^;]+?"
        found += f"(?:{'|'.join(map(re.escape, either))})" if either else f"(?P<{number}>{anything})"
    return re.compile(found)
