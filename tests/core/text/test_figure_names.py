"""Names of figures: one for each, whatever people call their classes, attributes and values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.errors import InvalidInput
from registry.core.records import Metric
from registry.core.text.figure_names import GAPS, RESERVED, FigureName, check_attribute, name_of, parse

NAMES = [
    "feliz (muy)",
    "yes",
    "喜び😀",
    "a=b",
    "\"cita\" 'x'",
    "1e3",
    "<script>alert(1)</script>",
    "null",
    "a & b",
    "class",
]
NAMES += ["dark, alfa", " a", "a ", "a\u200bb", "a\nb", "\\", "", "macro", "género (x) & <b>", "a\u00a0"]
words = st.one_of(st.sampled_from(NAMES), st.text(st.characters(codec="utf-8"), max_size=8))
groups = st.dictionaries(words, words, min_size=1, max_size=2).map(lambda found: tuple(sorted(found.items())))
parts = st.one_of(
    st.just(FigureName("macro_f1")),
    st.builds(lambda word: FigureName("recall", label=word), words),
    st.builds(lambda group: FigureName("recall", group=group), groups),
    st.builds(lambda group, word: FigureName("recall", group=group, label=word), groups, words),
    st.builds(lambda of: FigureName("recall_gap", of=tuple(sorted(of))), st.sets(words, min_size=1, max_size=2)),
)


@given(parts, parts)
def test_a_name_means_one_thing(one: FigureName, other: FigureName) -> None:
    assert parse(name_of(one)) == one
    assert (name_of(one) == name_of(other)) == (one == other)


@pytest.mark.parametrize("label", NAMES)
def test_plain_words_stay_plain_and_others_are_quoted(label: str) -> None:
    name = name_of(FigureName("f1", label=label))
    assert (name == f"f1({label})") == (label in ("yes", "喜び😀", "1e3", "null", "class", "macro"))
    assert name.isprintable() or label == "a\u00a0"


@given(st.text(max_size=60))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except InvalidInput:
        return
    assert parse(name_of(found)) == found


@pytest.mark.parametrize("name", ["class", "Class", "CLASS"])
def test_reserved_names_are_no_attributes(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_attribute(name)
    assert caught.value.code == "reserved_name"
    assert name in str(caught.value.hint)
    assert check_attribute("classes") == "classes"
    assert {"class"} == RESERVED
    assert "recall_gap" in GAPS


def test_a_figure_in_json_has_its_parts_beside_its_name() -> None:
    one = Metric(metric="recall", group={"b": "1", "a": "x, y"}, label="a=b", value=None, low=None, high=None, n=3)
    assert one.document() == {
        "name": 'recall(a="x, y" & b=1, "a=b")',
        "metric": "recall",
        "of": [],
        "group": {"a": "x, y", "b": "1"},
        "class": "a=b",
        "value": None,
        "low": None,
        "high": None,
        "n": 3,
        "reason": None,
    }
