"""Verdicts corrected for the number of tests: Holm's rule over attempts and claims."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from msgspec import structs

from registry.core.records import Claim, Metric, Verdict
from registry.evaluation.claims import judge
from registry.evaluation.correction import ALPHA, HOLM, corrected, number_of_tests
from registry.evaluation.decimals import six
from registry.evaluation.intervals.intervals import quantile, share_bounds, share_interval


def share(right: int, images: int, threshold: str, comparator: str = ">=", metric: str = "accuracy") -> Verdict:
    """The verdict on a share of independent images."""
    low, high = share_interval(Fraction(right, images), Fraction(images))
    value = six(Fraction(right, images))
    figure = Metric(metric=metric, value=value, low=low, high=high, n=images)
    return judge(Claim(metric=metric, comparator=comparator, threshold=threshold), figure)


def after(attempts: int, *verdicts: Verdict, images: int = 200) -> list[str]:
    sizes = {one.metric: images for one in verdicts}
    return [one.verdict for one in corrected(verdicts, HOLM, attempts, sizes)]


@pytest.mark.parametrize("attempts", [2, 3, 10, 100])
@pytest.mark.parametrize("right", [120, 150, 190, 199])
def test_a_share_is_supported_exactly_where_wilsons_interval_of_the_corrected_level_says_so(
    attempts: int, right: int
) -> None:
    """Both sides: a threshold a little below that interval's bound, and a little above it."""
    low, high = share_bounds(Fraction(right, 200), Fraction(200), quantile(ALPHA / attempts))
    step = Decimal("0.0001")
    for comparator, bound, inwards in ((">=", low, step), ("<=", high, -step)):
        for threshold, wanted in ((bound - inwards, "supported"), (bound + inwards, "undecided")):
            if not 0 < threshold < 1:
                continue
            alone = share(right, 200, six(Fraction(threshold)) or "", comparator)
            assert alone.verdict == "supported"
            assert after(attempts, alone) == [wanted], (comparator, threshold)


def test_a_refutation_can_not_be_attempted_away() -> None:
    assert after(1000, share(100, 200, "0.900000")) == ["refuted"]


def test_no_correction_and_a_first_attempt_with_one_claim_change_nothing() -> None:
    one = share(190, 200, "0.910000")
    assert corrected([one], "none", 50, {}) == (one,)
    assert corrected([one], HOLM, 1, {}) == (one,)
    assert number_of_tests(0, 0) == 1


def test_holm_spends_less_on_the_weaker_claims_once_the_stronger_hold() -> None:
    """Of two claims of one attempt the weaker is judged at 95 % if the stronger holds at 97.5 %, and only then."""
    strong, weak = share(190, 200, "0.800000"), share(190, 200, "0.910000", metric="micro_f1")
    assert after(1, weak, strong) == ["supported", "supported"]
    other = structs.replace(weak, metric="macro_f1")
    assert after(1, weak, other) == ["undecided", "undecided"]
    assert after(2, weak, strong) == ["undecided", "supported"]


def test_more_images_are_needed_for_a_corrected_level_and_are_enough() -> None:
    alone = share(190, 200, "0.910000")
    (one,) = corrected([alone], HOLM, 3, {"accuracy": 200})
    assert (one.verdict, one.low) == ("undecided", alone.low)
    assert one.needed is not None
    images = 200 + one.needed
    for n, reaches in ((images + 1, True), (images - 2, False)):
        low, _ = share_bounds(Fraction(190, 200), Fraction(n), quantile(ALPHA / 3))
        assert (low >= Decimal("0.91")) == reaches
    far = structs.replace(share(190, 200, "0.930000"), metric="micro_f1")
    more = [found.needed or 0 for found in corrected([far], HOLM, 3, {"micro_f1": 200})]
    assert far.needed is not None
    assert more[0] > far.needed
