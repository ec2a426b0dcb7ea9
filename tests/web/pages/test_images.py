"""The grid's addresses: filters live in them, each link changes one, and a run's dropped images are one filter."""

from __future__ import annotations

from registry.web.pages.images import address
from registry.web.pages.placeholders import placeholder
from registry.web.pages.register import mapping


def test_an_address_keeps_the_filters_but_for_what_changes_and_begins_at_the_first_page() -> None:
    asked = {"label": "a&b=c", "licence": "CC0 1.0", "cursor": "5b"}
    assert address(asked) == "/images?label=a%26b%3Dc&licence=CC0+1.0"
    assert address(asked, label=None) == "/images?licence=CC0+1.0"
    assert address(asked, status="stored", licence=None) == "/images?label=a%26b%3Dc&status=stored"
    assert address({}) == "/images"


def test_a_mapping_takes_fields_of_a_row_alone() -> None:
    given = {"map.label": " emotion ", "map.file": "", "map.signature": "s", "map.x": "y", "label": "z"}
    assert mapping(given) == {"label": "emotion"}


def test_placeholders_are_drawings_without_a_word_or_a_script() -> None:
    for why in ("undecodable", "not_held"):
        drawn = placeholder(why).decode()
        assert drawn.startswith("<svg ")
        assert "<text" not in drawn
        assert "script" not in drawn
