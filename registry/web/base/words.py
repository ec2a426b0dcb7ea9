"""The words of pages and figures in each language: the files of ``registry/web/words``, and that of the evaluation.

Invariants: every key has every language, with the same names to fill in; a number is written as its language writes
it, digits unchanged; what a record says in its own words is translated where it is known, else given as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from registry.core.errors import InvalidInput
from registry.core.records import Note
from registry.core.text.claim_text import claim_text
from registry.core.text.figure_names import CLASSES, parse
from registry.evaluation import sentences
from registry.evaluation.facts import ClaimFacts
from registry.evaluation.sentences import LANGUAGES as LANGUAGES
from registry.evaluation.sentences import read_words
from registry.evaluation.verdict import claim_part
from registry.web.base.check_reasons import check_reason
from registry.web.base.fill_in import fill_in

_MEASURED = re.compile(r"(?:(?P<before>[0-9]+) )?(?P<what>[a-z]+(?: [a-z]+)*)(?: (?P<after>[0-9]+(?:\.[0-9]+)?))?")
_SIDES = re.compile("([0-9]{1,9})x([0-9]{1,9})")
_UNIT = re.compile(r"(?<=[0-9]) (?=[^\W\d]|%)")  # between a number and what it counts
_FOLD = re.compile(r"fold:? ?([0-9]+)")


@cache
def catalogue() -> sentences.Texts:
    """Section, key, and the text in each of ``LANGUAGES``. ``ValueError`` where two files have the same section."""
    found = dict(sentences.texts())
    for file in sorted(files("registry.web").joinpath("words").iterdir(), key=lambda one: one.name):
        for section, texts in read_words(file).items():
            if section in found:
                raise ValueError(f"the section {section!r} of {file.name} stands in another file of words too")
            found[section] = texts
    return found


class Words:
    """One language's words. ``InvalidInput`` (``bad_language``) for one that there is not."""

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise InvalidInput(
                f"there is no report in the language {language!r}",
                code="bad_language",
                hint=f"use {' or '.join(LANGUAGES)}.",
            )
        self.language, self._at = language, LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of "section.key", filled in (``fill_in``); of a ``count`` of 1 the one of "section.key_one", where
        there is one."""
        section, _, name = key.partition(".")
        texts = catalogue()[section]
        one = texts.get(f"{name}_one") if str(values.get("count")) == "1" else None
        text = (one or texts[name])[self._at]
        return fill_in(text, values)

    def section(self, name: str) -> dict[str, str]:
        """All texts of a section, for a script that chooses among them."""
        return {key: values[self._at] for key, values in catalogue()[name].items()}

    def known(self, section: str, name: str) -> str:
        """A record's word, where the catalogue has it, else the word itself."""
        texts = catalogue()[section].get(name)
        return texts[self._at] if texts else name

    def measured(self, text: str | None) -> str:
        """What a cleaning measured, in words that are known here, else as it stands; "" where it measured nothing."""
        sides = _SIDES.fullmatch(text or "")
        if sides is not None:
            return f"{sides[1]} × {sides[2]}"
        if text and text.startswith("of "):
            return self("measured.copy_of", image=text.removeprefix("of "))
        found = _MEASURED.fullmatch(text or "")
        if found is None:
            return text or ""
        digits = found["before"] or found["after"] or ""
        number = self.count(int(digits)) if digits.isdigit() else self.exact(digits)
        known = catalogue()["measured"].get(found["what"].replace(" ", "_"))
        return fill_in(known[self._at], {"number": number}) if known else text or ""

    def fold(self, name: str) -> str:
        """What a plan, a curve or an evaluation calls ``fold:N``, ``fold N``, ``refit`` or ``mean``."""
        found = _FOLD.fullmatch(name)
        if found:
            return self("figures.fold", number=found[1])
        return self.known("figures", name) if name in ("refit", "mean") else name

    def figure(self, name: str) -> str:
        """A figure's name in words; what is no figure's name as it stands."""
        try:
            metric, of, group, label = parse(name)
        except InvalidInput:
            return name
        values = {"metric": self.known("figure_name", metric)}
        if of == (CLASSES,):
            return self("figure_form.between_classes", **values)
        if of:
            return self("figure_form.by", **values, of=" & ".join(self.known("attribute", one) for one in of))
        if label is None and not group:
            return values["metric"]
        form = "class" if not group else "group" if label is None else "group_class"
        return self(f"figure_form.{form}", **values, label=label, group=self.pairs(group))

    def group(self, name: str) -> str:
        """A group's name (``ATTRIBUTE=VALUE & ...``) in words; what is none as it stands."""
        try:
            return self.pairs(parse(f"recall({name})").group) or name
        except InvalidInput:
            return name

    def pairs(self, group: Iterable[tuple[str, str]]) -> str:
        """A group's attributes with their values."""
        quoted = "«{}»" if self.language == "es" else "{}"  # the record's own words, among Spanish ones
        return ", ".join(f"{self.known('attribute', name)} = {quoted.format(value)}" for name, value in group)

    def note(self, note: Note) -> tuple[str, str]:
        """A note of an evaluation and the language that it is in."""
        text = _UNIT.sub("\u00a0", sentences.note_text(note, self.language))
        return text, self.language if sentences.is_known(note) else "en"

    def withdrawn(self, one: Mapping[str, str], of: str = "page") -> str:
        """What was taken back of a release (or what ``snapshots`` and ``runs`` are about), when and why, and what is
        asked for beyond notice."""
        values = {"time": one["effective"], "reason": one["reason"]}
        if one["what"].startswith("image "):
            told = self(f"{of}.withdrawn_image", image=one["what"].removeprefix("image "), **values)
        else:
            told = self(f"{of}.withdrawn_{'release' if one['what'] == 'release' else 'snapshot'}", **values)
        asked = one.get("remedy", "notice")
        return told if asked == "notice" else f"{told} {self(f'page.remedy_{asked}')}"

    @staticmethod
    def taken_back(found: Iterable[Mapping[str, str]]) -> list[str]:
        """What was taken back of a release as states of badges: the release itself only where ``withdrawn`` is one."""
        whats = [one["what"] for one in found]
        images = sum(one.startswith("image ") for one in whats)
        states = [
            ("withdrawn", "release" in whats),
            ("snapshot withdrawn", any(one.endswith("snapshot") for one in whats)),
            ("image withdrawn", images == 1),
            ("images withdrawn", images > 1),
        ]
        return [state for state, is_so in states if is_so]

    def exact(self, value: str | int) -> str:
        """A number with all its digits, and a minus sign that is one."""
        text = sentences.localized(value, self.language)
        return f"\u2212{text[1:]}" if text.startswith("-") else text

    def p(self, value: str | None) -> str:
        """A p value at three places; what would round to nothing is below that."""
        return self("page.below") if value is not None and Decimal(value) < Decimal("0.001") else self.short(value)

    def count(self, number: int) -> str:
        """A number of things, its digits in threes as the language writes them."""
        if self.language == "es":  # four digits stand together there
            return f"{number:,}".replace(",", "\u202f") if number >= 10_000 else str(number)
        return f"{number:,}"

    def short(self, value: str | None) -> str:
        """A decimal string at three places, half to even; a dash where there is none."""
        if value is None:
            return "–"
        return self.exact(str(Decimal(value).quantize(Decimal("0.001"), rounding=ROUND_HALF_EVEN)))

    def claim(self, found: Mapping[str, Any]) -> str:
        """A claim or verdict as it stands in the plan, so that it can be looked for."""
        return claim_text(found)

    def claim_said(self, found: Mapping[str, Any]) -> str:
        """What became of a claim, as a sentence."""
        return claim_part(msgspec.convert(dict(found), ClaimFacts)).text(self.language)

    def check_reason(self, reason: str) -> tuple[str, str]:
        """Why a check came out so, and the language that it is in: reasons are written in English."""
        return check_reason(reason, self.language)

    def interval(self, found: Mapping[str, Any], *, exact: bool = False) -> str:
        """Both bounds in words; a dash where there are none."""
        if found["low"] is None or found["high"] is None:
            return "–"
        form = self.exact if exact else self.short
        return self("page.to", low=form(found["low"]), high=form(found["high"]))
