"""Text from outside is refused or kept whole, alike for every field."""

from __future__ import annotations

import unicodedata
from functools import partial

import pytest

from registry.core.errors import InvalidInput
from registry.core.ipld import encoding
from registry.core.text import cleaning
from registry.core.text.flat import flat
from tests.support.hostile_text import HOSTILE


def test_there_are_a_hundred() -> None:
    assert len(set(HOSTILE)) >= 100


@pytest.mark.parametrize("field", cleaning.BOUNDS)
def test_every_text_is_refused_or_kept_whole(field: str) -> None:
    kept, ways_out = 0, []
    for given in HOSTILE:
        try:
            cleaned = cleaning.clean(field, given)
        except InvalidInput as error:
            ways_out.append(f"{error} {error.hint or ''}".encode())
            continue
        kept += 1
        assert cleaned == unicodedata.normalize("NFC", given).strip(" \t\r\n\u00a0\u3000")
        assert cleaning.clean(field, cleaned) == cleaned == cleaning.check(field, cleaned)
        assert len(cleaned) <= cleaning.BOUNDS[field]
        assert encoding.decode(encoding.encode(cleaned)) == cleaned
    assert kept > 40
    assert all(said.endswith(b".") for said in ways_out)


@pytest.mark.parametrize("given", ["a\0b", "a\x1fb", "a\x85b", "\ud800", "a\u2028b", "", " ", "\u200b", "x" * 201])
def test_what_is_no_line_of_text(given: str) -> None:
    for check in (cleaning.clean, cleaning.check):
        with pytest.raises(InvalidInput) as caught:
            check("contributor", given)
        assert caught.value.code == "bad_text"


def test_a_bound_counts_what_is_kept() -> None:
    assert len(cleaning.clean("label", "e\u0301" * 200)) == 200
    with pytest.raises(InvalidInput, match="longer than 200"):
        cleaning.clean("label", "\ufb2c" * 100)  # which NFC makes three characters each


def test_two_attributes_that_are_one_in_nfc() -> None:
    clean_value = partial(cleaning.clean, "value")
    assert cleaning.clean_pairs({"luz ": " baja"}, cleaning.clean_attribute, clean_value) == {"luz": "baja"}
    with pytest.raises(InvalidInput, match="twice"):
        cleaning.clean_pairs({"e\u0301": "1", "\u00e9": "2"}, cleaning.clean_attribute, clean_value)


def test_a_recipe_is_flat_and_no_value_is_cut() -> None:
    found = flat({"a": {"b": 1, "c": {"d": "x" * 1000}}, "e": True})
    assert found == {"a.b": "1", "a.c.d": "x" * 1000, "e": "true"}
