"""Codes of notes and reasons have sentences in every language, and nothing that a stranger writes makes them fail."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import registry.evaluation
from registry.core.records import Note
from registry.core.records.figures import REASONS
from registry.evaluation.sentences import LANGUAGES, is_known, note_document, note_text, reason_text, texts

SOURCES = "".join(path.read_text() for path in Path(registry.evaluation.__path__[0]).rglob("*.py"))
WORDS = st.one_of(st.integers(), st.text(max_size=9), st.lists(st.text(max_size=9), max_size=3).map(tuple))


def test_every_code_that_is_written_has_a_sentence_and_every_sentence_a_code() -> None:
    found = re.findall(r"Note\(code=f?\"([a-z_{}]+)\"", SOURCES)
    written = {name.replace("{known}", more) for name in found for more in ("", "_known")}
    assert written == set(texts()["note"])


def test_every_reason_is_told_in_every_language() -> None:
    assert set(REASONS) == set(texts()["why"])
    assert reason_text("of_tomorrow", "es") == "of_tomorrow"
    assert all(reason_text(reason, "es") != reason_text(reason, "en") for reason in REASONS)


def test_lists_that_belong_together_stand_side_by_side() -> None:
    note = Note(code="not_estimable", values={"figures": ("recall(a)", "recall(b)"), "images": (3, 0)})
    assert note_text(note) == "Not estimable (with the number of images): recall(a) (3), recall(b) (0)."
    assert note_text(note, "es").endswith("recall(a) (3), recall(b) (0).")


def test_decimals_are_written_as_the_language_writes_them() -> None:
    note = Note(code="lowest_recall", values={"attribute": "v1.5", "groups": ("v1.5=0.5",), "recall": "0.125000"})
    assert note_text(note, "es") == "La exhaustividad más baja según «v1.5»: v1.5=0.5 (0,125000)."


@given(st.sampled_from([*texts()["note"], "unknown", "{0}"]), st.dictionaries(st.text(max_size=9), WORDS, max_size=4))
def test_whatever_a_stranger_notes_is_shown_and_nothing_raises(code: str, values: dict[str, int | str]) -> None:
    note = Note(code=code, values={**values})
    document = note_document(note)
    assert set(document["text"]) == set(LANGUAGES)
    if not is_known(note):
        assert document["text"]["en"].startswith(f"{code}: ")
