"""What a stranger's text may not do to the text around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.text.display import MAX_MARKS, displayed


@pytest.mark.parametrize(
    "text", ["", "feliz", "né\u0301e", "حَيَاةٌ", "नमस्ते", "שָׁלוֹם", "\U0001f469\u200d\U0001f467", "a\u200fb", "ติ๊"]
)
def test_what_people_write_is_shown_as_it_is(text: str) -> None:
    assert displayed(text) == text


@pytest.mark.parametrize("sign", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
def test_a_sign_that_turns_text_is_seen_instead(sign: str) -> None:
    assert displayed(f"a{sign}b") == "a\ufffdb"


@pytest.mark.parametrize("between", ["", "\u200d", "\u200b"])
def test_marks_do_not_pile_up_over_other_lines(between: str) -> None:
    tower = "a" + f"\u0301{between}" * 90 + "b" + "\u0489" * 50
    assert displayed(tower).count("\u0301") == displayed(tower).count("\u0489") == MAX_MARKS
    assert displayed(tower).replace("\u0301", "").replace("\u0489", "").replace(between or "\0", "") == "ab"


@given(st.text(max_size=60))
def test_showing_twice_changes_nothing_more(text: str) -> None:
    assert displayed(displayed(text)) == displayed(text)
