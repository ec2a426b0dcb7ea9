"""What an audit must have found for the verdict to say that the plan was anchored before the folds were drawn."""

from __future__ import annotations

import pytest

from registry.evaluation.facts import Facts
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED, Check
from registry.provenance.verdict_facts import audited


@pytest.mark.parametrize(
    ("results", "order"),
    [
        ({"3.order": HOLDS, "3.beacon": HOLDS}, "proven"),
        ({"3.order": HOLDS, "3.beacon": UNCHECKED, "3.drand": HOLDS}, "proven"),
        ({"3.order": HOLDS, "3.beacon": HOLDS, "3.drand": UNCHECKED}, "proven"),
        ({"3.order": HOLDS, "3.drand": HOLDS, "3.evidence": HOLDS, "3.stamped": HOLDS}, "stamped"),
        ({"3.order": HOLDS, "3.beacon": HOLDS, "3.evidence": HOLDS, "3.stamped": HOLDS}, "proven"),
        ({"3.order": HOLDS, "3.beacon": UNCHECKED, "3.drand": UNCHECKED}, "unasked"),
        ({"3.order": UNCHECKED, "3.beacon": HOLDS, "3.drand": HOLDS}, "unasked"),
        ({"3.order": FAILS, "3.drand": HOLDS}, "unasked"),
        ({}, "unasked"),
    ],
)
def test_an_order_is_proven_by_the_chain_and_one_beacon_that_follows_the_anchor(
    results: dict[str, str], order: str
) -> None:
    checks = [Check(id, 3, id, result, "", requested=True) for id, result in results.items()]
    found = audited(Facts(order="unasked"), checks, "consistent")
    assert (found.order, 3 in found.levels) == (order, order in ("proven", "stamped"))
