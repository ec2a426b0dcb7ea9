"""Reasons of checks in Spanish: those of an honest release whole, all others left in English and said to be."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from registry.web.base.check_reasons import check_reason
from registry.workflows.audit.audit_target import audit_target
from tests.support.forgery import simulated_release


def test_every_reason_of_an_honest_release_is_told_in_spanish(tmp_path: Path) -> None:
    with simulated_release(tmp_path) as (home, entry, _):
        checks = audit_target(home, str(entry), level=8).checks
    english = [one.reason for one in checks if check_reason(one.reason, "es")[1] != "es"]
    assert english == []
    assert sum(check_reason(one.reason, "es")[0] != one.reason for one in checks) > 25


def test_counts_are_told_with_their_words() -> None:
    said = check_reason("not asked for: --level 5; the record lists 3 dropped images: 2 blur, 1 odd", "es")
    assert said[0] == (
        "no se pidió: --level 5; el registro enumera 3\u00a0imágenes descartadas: 2\u00a0por desenfoque, 1\u00a0odd"
    )


def test_what_nobody_translated_stays_english() -> None:
    assert check_reason("the moon was full", "es") == ("the moon was full", "en")
    assert check_reason("3 images; the moon was full", "es")[1] == "en"
    assert check_reason("did:pkh:eip155:1:0x00", "es") == ("did:pkh:eip155:1:0x00", "es")


@given(st.text(max_size=80))
def test_no_reason_makes_it_fail(text: str) -> None:
    said, language = check_reason(text, "es")
    assert said == text or language == "es"
