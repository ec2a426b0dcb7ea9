"""Pieces of the verdict's sentences: parts filled in, counts with their nouns, figures, and a stranger's text.

Invariants: whatever a record says comes out on one line, without signs that are not seen, cut short; nothing raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from importlib.resources import files

from registry.evaluation.sentences import LANGUAGES, Texts, localized, read_words, texts

MAX_TEXT = 200  # characters of a record's text
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
_BETWEEN = {"en": ", ", "es": "; "}  # of the two ends of an interval
Said = tuple[str, ...]  # a text in each of LANGUAGES


@dataclass(frozen=True)
class Part:
    """One short sentence: its code, and its text in each of ``LANGUAGES``."""

    code: str
    texts: Said

    def text(self, language: str) -> str:
        """The sentence."""
        return self.texts[LANGUAGES.index(language)]


@cache
def words() -> Texts:
    """The sections of ``verdict.toml``, and ``why`` and ``attempts`` of ``words.toml``."""
    own = read_words(files("registry.evaluation").joinpath("verdict.toml"))
    return {**own, **{section: texts()[section] for section in ("why", "attempts")}}


def part(section: str, key: str, **values: str | Said) -> Part:
    """A sentence filled in; a value is the same in every language, or has one text for each."""
    forms = words()[section][key]
    each = [
        {name: value if isinstance(value, str) else value[at] for name, value in values.items()}
        for at in range(len(LANGUAGES))
    ]
    return Part(key, tuple(form.format(**filled) for form, filled in zip(forms, each, strict=True)))


def counted(what: str, n: int) -> Said:
    """A number with its noun."""
    return tuple(form.format(n=n) for form in words()["count"][f"{what}_1" if n == 1 else what])


def joined(*several: Said) -> Said:
    """Texts with commas between them."""
    return tuple(", ".join(one[at] for one in several) for at in range(len(LANGUAGES)))


def figure(value: str, low: str | None, high: str | None, threshold: str) -> Said:
    """A value and its interval: at three places, unless that would hide on which side of the threshold they lie."""
    numbers = (value, low, high)
    exact = any(_seems(number, threshold) for number in numbers if number is not None)
    shown = ["–" if number is None else plain(number if exact else _three(number)) for number in numbers]
    said = []
    for language in LANGUAGES:
        own = [localized(text, language) for text in shown]
        said.append(own[0] if low is None and high is None else f"{own[0]} [{_BETWEEN[language].join(own[1:])}]")
    return tuple(said)


def plain(text: str) -> str:
    """A record's text on one line, without signs that are not seen, at most ``MAX_TEXT`` characters."""
    line = _INVISIBLE.sub(" ", text)
    return line if len(line) <= MAX_TEXT else f"{line[:MAX_TEXT]}…"


def _three(number: str) -> str:
    """At three places, half to even; what is no number as it stands."""
    if not _NUMBER.fullmatch(number):
        return number
    rounded = Decimal(number).quantize(Decimal("0.001"), rounding=ROUND_HALF_EVEN)
    return str(rounded.copy_abs() if rounded == 0 else rounded)


def _seems(number: str, threshold: str) -> bool:
    """Whether a number seems to be the threshold once it is rounded, and is not."""
    if not (_NUMBER.fullmatch(number) and _NUMBER.fullmatch(threshold)):
        return False
    return Decimal(_three(number)) == Decimal(threshold) != Decimal(number)
