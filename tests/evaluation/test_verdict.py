"""The verdict's sentences: every state in both languages, claims and records never in one word, hostile text tame."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.text.claim_text import threshold_text
from registry.evaluation.facts import ClaimFacts, Facts
from registry.evaluation.sentences import LANGUAGES
from registry.evaluation.verdict import refuted, sentence, short, verdict_of
from registry.evaluation.verdict_text import words
from tests.evaluation.make_verdicts import EXAMPLES, FILE, REFUTED, SUPPORTED, examples, text

NAMES = [one["name"] for one in examples()]
STATES = {"supported", "refuted", "undecided", "seen", "mixed", "none", "broken", "stated", "unusable"}


def verdict(name: str, **changed: Any) -> dict[str, Any]:
    """A fresh document of an example's facts."""
    return verdict_of(msgspec.convert({**EXAMPLES[name], **changed}, Facts)).document()


def test_the_examples_are_those_of_the_file() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "made anew by python -m tests.evaluation.make_verdicts"


def test_the_examples_have_every_state_and_every_sentence() -> None:
    found = [one["verdict"] for one in examples()]
    assert {one["state"] for one in found} == STATES
    codes = {part["code"] for one in found for part in one["parts"]}
    assert codes == {*words()["headline"], *words()["part"], "attempt"}


def test_both_languages_of_every_sentence_are_filled_in_with_the_same() -> None:
    for section in words().values():
        for texts in section.values():
            named = [sorted(re.findall(r"\{([a-z]+)\}", one)) for one in texts]
            assert len(texts) == len(LANGUAGES)
            assert named[0] == named[1]


def test_a_refuted_claim_is_said_first_and_its_records_apart() -> None:
    found = verdict("a refuted claim")
    assert found["en"].startswith(
        "The claim “recall_gap(class) <= 0.10” is refuted: 0.310 [0.180, 0.400], 158\u00a0images. "
        "The figures rest on 158\u00a0images of 61\u00a0persons. "
    )
    assert "The records are consistent (levels checked: 1, 2, 4, 6)." in found["en"]
    assert "Not proven: that the plan came before the training." in found["en"]
    assert found["short"]["es"] == (
        "La afirmación «recall_gap(class) <= 0.10» queda refutada: 0,310 [0,180; 0,400], 158\u00a0imágenes."
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_says_that_something_holds(name: str, language: str) -> None:
    assert not re.search(r"\bholds\b|se cumple", verdict(name)[language])


def test_where_the_records_do_not_hold_no_claim_is_judged() -> None:
    found = verdict("the records do not hold")
    assert (found["state"], found["records"]) == ("broken", "broken")
    assert "macro_f1" not in found["en"]
    assert "6.metrics" in found["en"]


def test_a_bound_near_the_threshold_is_shown_with_all_places() -> None:
    found = verdict("a bound that seems to be the threshold once it is rounded")["short"]["en"]
    assert "0.899600" in found
    assert "0.900," not in found


def test_what_was_not_examined_is_said() -> None:
    assert "only classes were compared" in verdict("no attribute was given")["en"]
    assert "gender, age" in verdict("a refuted claim")["en"]


def test_only_a_withdrawn_release_begins_with_that() -> None:
    assert verdict("the release was withdrawn")["short"]["en"].startswith("Withdrawn by its issuer. The claim")
    assert "Withdrawn by" not in verdict("images were withdrawn")["en"]


def test_which_attempt_it_is_is_said() -> None:
    assert "plan 3 of 3" in verdict("the third plan of three")["en"]


def test_what_a_stranger_states_is_not_supported_until_its_figures_were_audited() -> None:
    for name in ("a stranger's, that nobody audited", "a stranger's, of which no figure was audited"):
        found = verdict(name)
        assert found["state"] == "stated"
        assert found["short"]["en"].startswith(
            "Its publisher states what follows, and no audit kept here checked it. The"
        )
    assert verdict("a stranger's, audited")["state"] == "supported"
    assert verdict("a stranger's, audited", records="broken", failed=["6.verdicts"])["state"] == "broken"
    assert verdict("a newer program wrote a part")["short"]["en"].startswith(
        "Whether the records are consistent is not"
    )


def test_what_no_check_looked_at_is_no_fact() -> None:
    said = verdict("the third plan of three", attempts_stated=True, images_open=True)["en"]
    assert "Not checked: its issuer states that this is plan 3 of 3" in said
    assert "This is plan" not in said
    assert "(levels checked: 1, 2, 4, 6). Not checked here: the images themselves." in said


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("count", [1, 3])
def test_without_claims_no_claim_is_spoken_of(count: int, stated: bool) -> None:
    found = verdict("no claim", attempts={"count": count, "number": count}, attempts_stated=stated)
    last = found["parts"][-1]
    assert last["code"] == "attempt"
    assert "such a claim" not in last["en"]
    assert "without claims" in last["en"]
    assert "afirmación así" not in last["es"]


def test_a_supported_claim_without_a_figure_is_undecided() -> None:
    assert verdict("a supported claim", claims=[{**SUPPORTED, "value": None}])["state"] == "undecided"


def test_a_verdict_that_nobody_knows_supports_nothing() -> None:
    assert verdict("a supported claim", claims=[{**SUPPORTED, "verdict": "proven"}])["state"] == "undecided"


def test_a_threshold_has_two_places_or_more() -> None:
    assert [threshold_text(one) for one in ("0.900000", "1.000000", "0.123450", "0", "x.5")] == [
        *("0.90", "1.00", "0.12345", "0", "x.5")
    ]


TEXT = st.text(max_size=40)


@given(metric=TEXT, threshold=TEXT, value=st.none() | TEXT, low=st.none() | TEXT, reason=st.none() | TEXT, said=TEXT)
def test_whatever_a_stranger_claims_stays_on_one_line(
    metric: str, threshold: str, value: str | None, low: str | None, reason: str | None, said: str
) -> None:
    claim = ClaimFacts(
        metric=metric, comparator="<=", threshold=threshold, verdict=said, value=value, low=low, reason=reason
    )
    found = verdict_of(Facts(claims=(claim, msgspec.convert(REFUTED, ClaimFacts)), attributes=(said,)))
    for language in LANGUAGES:
        for line in (short(found, language), sentence(found, language)):
            assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]", line)


def test_how_many_of_several_claims_are_refuted() -> None:
    assert refuted(["several", "supported", "refuted", "needed", "refuted"]) == (1, 2)
    assert refuted(["withdrawn", "several", "no_figure", "refuted", "refuted", "rests_on"]) == (2, 3)
    assert refuted(["refuted", "rests_on"]) == (0, 0)
