"""A claim's text is read and written alike, and nothing else is one."""

from __future__ import annotations

import pytest

from registry.core.records import Claim
from registry.core.text.claim_text import EXAMPLE, ClaimParts, claim_parts, claim_text, split_claim


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (EXAMPLE, ("macro_f1", ">=", "0.900000")),
        ("  ece<=0.000001 ", ("ece", "<=", "0.000001")),
        ("f1/feliz >= 1", ("f1/feliz", ">=", "1.000000")),
        ("f1/a >= b <= 1.000000", ("f1/a >= b", "<=", "1.000000")),
        ("f1/two words\t>=\n0", ("f1/two words", ">=", "0.000000")),
    ],
)
def test_a_claim_is_a_metric_a_comparator_and_a_number(text: str, parts: tuple[str, str, str]) -> None:
    found = split_claim(text)
    assert found == ClaimParts(*parts)
    assert split_claim(claim_text(ClaimParts(*parts)._asdict())) == found


@pytest.mark.parametrize(
    "text",
    ["", ">= 0.5", " >= 0.5", "macro_f1", "macro_f1 >= ", "macro_f1 = 0.5", "macro_f1 > 0.5", "macro_f1 >= 1.1",
     "macro_f1 >= 1.01", "macro_f1 >= 2", "macro_f1 >= 00.5", "macro_f1 >= .5", "macro_f1 >= 0.", "macro_f1 >= -0.5",
     "macro_f1 >= 0.1234567", "macro_f1 >= 1.0000000", "macro_f1 >= 1e-1", "macro_f1 >= 0,5", "macro_f1 >= 0.5 x",
     "macro_f1 >= \u0661"],
)  # fmt: skip
def test_nothing_else_is_a_claim(text: str) -> None:
    assert split_claim(text) is None


def test_a_record_and_the_document_made_from_it_have_one_text() -> None:
    record = Claim(metric="macro_f1", comparator=">=", threshold="0.900000")
    document = {"metric": "macro_f1", "comparator": ">=", "threshold": "0.900000", "type": "claim"}
    assert claim_parts(record) == claim_parts(document) == ("macro_f1", ">=", "0.900000")
    assert claim_text(record) == claim_text(document) == "macro_f1 >= 0.90"
    assert claim_text(record, str) == "macro_f1 >= 0.900000"


@pytest.mark.parametrize(
    ("stated", "shown"),
    [("0.900000", "0.90"), ("1.000000", "1.00"), ("0.000001", "0.000001"), ("0.125000", "0.125"), ("odd", "odd")],
)
def test_a_threshold_loses_the_zeros_at_its_end_but_for_two_places(stated: str, shown: str) -> None:
    assert claim_text(Claim(metric="ece", comparator="<=", threshold=stated)) == f"ece <= {shown}"
