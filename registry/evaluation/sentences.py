"""The sentences of an evaluation's codes in every language: one place for card, command line, report and API.

Invariants: a record holds codes and values, never a sentence; every code has a sentence in every language, filled in
from the same values; a code or a value that is not known here (a stranger's, a newer program's) is shown as it stands
and never raises.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Formatter
from typing import Any

from registry.core.records import Attempts, Note

LANGUAGES = ("en", "es")
ATTRIBUTES = frozenset({"attribute", "attributes"})  # values that are names of attributes
DECIMALS = frozenset({"threshold", "floor", "recall"})  # values that are decimal strings
Texts = Mapping[str, Mapping[str, tuple[str, ...]]]


def read_words(file: Traversable) -> Texts:
    """A file of words: section, key, and the text in each of ``LANGUAGES``."""
    found = tomllib.loads(file.read_text(encoding="utf-8"))
    return {section: {key: tuple(texts) for key, texts in keys.items()} for section, keys in found.items()}


@cache
def texts() -> Texts:
    """The sections ``note``, ``each``, ``attempts``, ``log``, ``strength`` and ``why``."""
    return read_words(files("registry.evaluation").joinpath("words.toml"))


def strength_text(kind: str, language: str = "en") -> str:
    """What evidence of a kind proves to others, and on whose word."""
    known = texts()["strength"]
    return known.get(kind, known["other"])[LANGUAGES.index(language)]


def localized(number: str | int, language: str) -> str:
    """A number with all its digits, as the language writes it."""
    return str(number).replace(".", ",") if language == "es" else str(number)


def note_text(note: Note, language: str = "en") -> str:
    """A note as a sentence."""
    at = LANGUAGES.index(language)
    sentence, item = (texts()[section].get(note.code) for section in ("note", "each"))
    values = {name: _text(name, value, language) for name, value in note.values.items()}
    if item is not None:
        values["each"] = _side_by_side(item[at], note)
    if sentence is None or not _fields(sentence[at]) <= values.keys():
        return f"{note.code}: {', '.join(f'{name} = {value}' for name, value in values.items()) or '–'}"
    return sentence[at].format(**values)


def is_known(note: Note) -> bool:
    """Whether ``note_text`` has a sentence for it."""
    return note.code in texts()["note"]


def reason_text(reason: str | None, language: str = "en") -> str:
    """Why a figure has no value (``records.figures.REASONS``), as a part of a sentence."""
    found = texts()["why"].get(reason or "")
    return found[LANGUAGES.index(language)] if found else reason or ""


def attempts_text(attempts: Attempts, language: str = "en", *, claims: bool = True, stated: bool = False) -> str:
    """How often the same was planned, as a sentence: of a release with or without ``claims``; ``stated``: it is the
    issuer's word alone."""
    form = "only" if attempts.count == 1 else "several"
    key = form + ("" if claims else "_without") + ("_stated" if stated else "")
    return texts()["attempts"][key][LANGUAGES.index(language)].format(number=attempts.number, count=attempts.count)


def attempts_document(attempts: Attempts, *, claims: bool = True, stated: bool = False) -> dict[str, str]:
    """``attempts_text`` by language."""
    return {language: attempts_text(attempts, language, claims=claims, stated=stated) for language in LANGUAGES}


def fork_document(issuer: str, entries: Sequence[str]) -> dict[str, str]:
    """That an issuer's log forks, by language; identifiers are shortened in the middle."""
    named = {"issuer": _middle(issuer.removeprefix("did:pkh:eip155:1:")), "entries": " / ".join(map(_middle, entries))}
    return {language: texts()["log"]["forks"][at].format(**named) for at, language in enumerate(LANGUAGES)}


def _middle(identifier: str) -> str:
    return identifier if len(identifier) <= 24 else f"{identifier[:10]}…{identifier[-8:]}"


def not_estimable(reason: str | None) -> str:
    """What stands in the place of a value, in English."""
    return f"not estimable: {reason_text(reason)}" if reason else "not estimable"


def note_document(note: Note) -> dict[str, Any]:
    """A note as JSON documents show it: ``code``, ``values``, and ``text`` by language."""
    return {
        "code": note.code,
        "values": {name: list(value) if isinstance(value, tuple) else value for name, value in note.values.items()},
        "text": {language: note_text(note, language) for language in LANGUAGES},
    }


def _side_by_side(item: str, note: Note) -> str:
    """What lists of equal length hold, one after the other; what is no list holds nothing."""
    names = sorted(_fields(item))
    lists = [found if isinstance(found := note.values.get(name), tuple) else () for name in names]
    return ", ".join(item.format(**dict(zip(names, row, strict=True))) for row in zip(*lists, strict=False))


def _text(name: str, value: object, language: str) -> str:
    if name in ATTRIBUTES and language != "en":  # the record's own words, among others
        return ", ".join(f"«{one}»" for one in (value if isinstance(value, tuple) else (value,)))
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return localized(str(value), language) if name in DECIMALS else str(value)


@cache
def _fields(sentence: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(sentence) if name is not None)


def warning_event(note: Note) -> dict[str, Any]:
    """A note as a run's event ``warning``: ``text`` in English, and what says it in every language."""
    found = note_document(note)
    return {"text": found["text"]["en"], "note": {"code": found["code"], "values": found["values"]}}


def warning_text(data: Mapping[str, Any], language: str) -> str:
    """The text of such an event; in English where it holds nothing else."""
    said = data.get("note")
    if not isinstance(said, dict) or not isinstance(said.get("values"), dict):
        return str(data.get("text") or "")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in said["values"].items()}
    return note_text(Note(code=str(said.get("code")), values=values), language)
