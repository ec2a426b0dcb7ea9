"""Claims: the grammar and the rule of proof."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.errors import InvalidInput
from registry.core.records import Claim, Metric
from registry.core.text.claim_text import claim_text
from registry.evaluation.claims import check_about, judge, judge_all, parse_claim


@pytest.mark.parametrize(
    ("text", "metric", "comparator", "threshold"),
    [
        ("macro_f1 >= 0.90", "macro_f1", ">=", "0.900000"),
        ("macro_f1>=0.9", "macro_f1", ">=", "0.900000"),
        ("  map50_95   <=  1 ", "map50_95", "<=", "1.000000"),
        ("map50 >= 0", "map50", ">=", "0.000000"),
        ("recall_gap(class) <= 0.10", "recall_gap(class)", "<=", "0.100000"),
        ("worst_recall(class) >= 0.5", "worst_recall(class)", ">=", "0.500000"),
        ("recall(gender=f) >= 0.85", "recall(gender=f)", ">=", "0.850000"),
        ("f1(feliz) >= 0.123456", "f1(feliz)", ">=", "0.123456"),
        ("precision(very happy) >= 1.000000", "precision(very happy)", ">=", "1.000000"),
        ("recall(enójado) >= 0.5", "recall(enójado)", ">=", "0.500000"),
        ("recall(eno\u0301jado) >= 0.5", "recall(enójado)", ">=", "0.500000"),  # as NFC
        ("pr_auc >= 0.966", "pr_auc", ">=", "0.966000"),
        ("weighted_f1 >= 0.9", "weighted_f1", ">=", "0.900000"),
        ("ap50(feliz) >= 0.9", "ap50(feliz)", ">=", "0.900000"),
        ("recall_gap(gender) <= 0.1", "recall_gap(gender)", "<=", "0.100000"),
        ("f1(gender=f & age=old) >= 0.5", "f1(age=old & gender=f)", ">=", "0.500000"),
        ('f1("feliz (muy)") >= 0.8', 'f1("feliz (muy)")', ">=", "0.800000"),
        ('f1( "feliz" ) >= 0.8', "f1(feliz)", ">=", "0.800000"),  # quoted without need
        ('recall(tone="dark, alfa" , beta) >= 0.5', 'recall(tone="dark, alfa", beta)', ">=", "0.500000"),
        ('f1("a >= 0.5") >= 0.25', 'f1("a >= 0.5")', ">=", "0.250000"),
        ("recall(b=1 & a=2) >= 0.5", "recall(a=2 & b=1)", ">=", "0.500000"),  # in the attributes' order
        ("false_alarm_rate <= 0.05", "false_alarm_rate", "<=", "0.050000"),
        ("fpr(gender=f, feliz) <= 0.2", "fpr(gender=f, feliz)", "<=", "0.200000"),
        ("equalized_odds_difference(gender) <= 0.1", "equalized_odds_difference(gender)", "<=", "0.100000"),
    ],
)
def test_a_claim_is_read_as_the_grammar_says(text: str, metric: str, comparator: str, threshold: str) -> None:
    wanted = Claim(metric=metric, comparator=comparator, threshold=threshold, proof="interval")
    assert parse_claim(text) == wanted
    assert parse_claim(f"{metric} {comparator} {threshold}") == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "macro_f1",
        "macro_f1 > 0.9",
        "macro_f1 = 0.9",
        "macro_f1 == 0.9",
        "macro_f1 >= 90",
        "macro_f1 >= 90%",
        "macro_f1 >= -0.1",
        "macro_f1 >= 1.1",
        "macro_f1 >= 1.000001",
        "macro_f1 >= 0.1234567",
        "macro_f1 >= .9",
        "macro_f1 >= 1e-1",
        "macro_f1 >= ٠.٩",
        "macro_f1 >= 0.9 and more",
        "macro_f1 >= 0.9\nf1(a) >= 0.1",
        "median_f1 >= 0.9",
        "recall_gap <= 0.1",
        "macro_f1(feliz) >= 0.5",
        "f1() >= 0.5",
        "recall(a(b)) >= 0.5",
        'recall("a) >= 0.5',
        'recall("a"b) >= 0.5',
        "recall(a=b=c) >= 0.5",
        "recall(a=b & a=c) >= 0.5",
        "recall(a=b & c) >= 0.5",
        "recall(a=b, c, d) >= 0.5",
        "recall(a=b & c=d & e=f) >= 0.5",
        "recall_gap(a & b & c) >= 0.5",
        "recall_gap(a & a) >= 0.5",
        "recall_gap(class & a) >= 0.5",
        "equalized_odds_ratio(class) >= 0.5",
        "selection(a=b) >= 0.5",
        "ap50(a=b) >= 0.5",
        "auc(a) >= 0.5",
        "ece <= 0.5",
        "recall(a>f) >= 0.5",
        "f1(" + "x" * 5000 + ") >= 0.5",
        "f1(a\nb) >= 0.5",
    ],
)
def test_what_is_no_claim_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_claim(text)
    assert caught.value.code == "bad_claim"
    assert caught.value.hint


@given(st.text(max_size=40))
def test_any_text_is_a_claim_or_bad(text: str) -> None:
    try:
        claim = parse_claim(text)
    except InvalidInput:
        return
    assert parse_claim(claim_text(claim)) == claim


def figure(low: str | None, high: str | None, value: str | None = "0.500000") -> Metric:
    return Metric(metric="macro_f1", value=value, low=low, high=high, n=100)


@pytest.mark.parametrize(
    ("text", "low", "high", "verdict"),
    [
        ("macro_f1 >= 0.5", "0.500000", "0.700000", "supported"),  # a bound that reaches it is enough
        ("macro_f1 >= 0.5", "0.499999", "0.700000", "undecided"),
        ("macro_f1 >= 0.5", "0.300000", "0.500000", "undecided"),
        ("macro_f1 >= 0.5", "0.300000", "0.499999", "refuted"),
        ("macro_f1 <= 0.5", "0.300000", "0.500000", "supported"),
        ("macro_f1 <= 0.5", "0.300000", "0.500001", "undecided"),
        ("macro_f1 <= 0.5", "0.500000", "0.600000", "undecided"),
        ("macro_f1 <= 0.5", "0.500001", "0.600000", "refuted"),
        ("macro_f1 >= 0.5", None, None, "undecided"),
    ],
)
def test_the_interval_decides_a_claim(text: str, low: str | None, high: str | None, verdict: str) -> None:
    found = judge(parse_claim(text), figure(low, high))
    assert (found.verdict, found.low, found.high) == (verdict, low, high)


def test_not_estimable_and_unknown_are_undecided() -> None:
    claim = parse_claim("macro_f1 >= 0.5")
    assert judge(claim, figure(None, None, None)).verdict == "undecided"
    nothing = judge(claim, None)
    assert (nothing.verdict, nothing.value, nothing.low, nothing.high) == ("undecided", None, None, None)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.booleans())
def test_supported_is_never_also_refuted(one: int, other: int, threshold: int, above: bool) -> None:
    low, high, t = (Decimal(value).scaleb(-6) for value in (*sorted((one, other)), threshold))
    claim = Claim(metric="macro_f1", comparator=">=" if above else "<=", threshold=f"{t:.6f}")
    verdict = judge(claim, figure(f"{low:.6f}", f"{high:.6f}")).verdict
    both = {bound >= t if above else bound <= t for bound in (low, high)}
    assert verdict == ("undecided" if len(both) == 2 else "supported" if both == {True} else "refuted")


@pytest.mark.parametrize(
    "change",
    [
        {"comparator": "=="},
        {"threshold": "abc"},
        {"threshold": "0.5"},
        {"threshold": "NaN"},
        {"threshold": "1e999999999"},
        {"proof": "point"},
        {"metric": 'f1("feliz")'},  # not its one name
        {"metric": "recall(b=1 & a=2)"},
        {"metric": "median_f1"},
    ],
)
def test_a_strangers_claim_without_meaning(change: dict[str, str]) -> None:
    fields = {"metric": "macro_f1", "comparator": ">=", "threshold": "0.500000", **change}
    with pytest.raises(InvalidInput) as caught:
        judge(Claim(**fields), figure("0.100000", "0.900000"))
    assert caught.value.code == "bad_claim"


def test_verdicts_stand_in_the_order_of_the_plan() -> None:
    claims = tuple(map(parse_claim, ("macro_f1 >= 0.1", "accuracy >= 0.1", "macro_f1 >= 0.95")))
    found = judge_all(claims, {"macro_f1": figure("0.500000", "0.700000")})
    assert [one.verdict for one in found] == ["supported", "undecided", "refuted"]
    assert [one.threshold for one in found] == ["0.100000", "0.100000", "0.950000"]


@pytest.mark.parametrize(
    ("metric", "there"),
    [
        ("macro_f1", True),
        ("f1(feliz)", True),
        ("f1(alegre)", False),
        ("ap50(feliz)", True),
        ("recall(gender=f)", True),
        ("recall(gender=x)", False),
        ("recall(gender=f, feliz)", True),
        ("fpr(gender=f, alegre)", False),
        ("recall_gap(class)", True),
        ("worst_recall(class)", True),
        ("recall_gap(gender)", True),
        ("recall_gap(age)", False),
        ('recall("gender=f")', False),
        ("equalized_odds_ratio(gender)", True),
        ("recall_gap(age & gender)", False),
    ],
)
def test_a_claim_is_about_something_that_can_exist(metric: str, there: bool) -> None:
    claim = parse_claim(f"{metric} >= 0.5")
    images = [{"gender": "f"}, {"gender": "m"}, {}]
    if there:
        check_about([claim], ("feliz", "triste"), images)
        return
    with pytest.raises(InvalidInput) as caught:
        check_about([claim], ("feliz", "triste"), images)
    assert caught.value.code == "bad_claim"
    assert "feliz, triste" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "classes", "ways"),
    [
        ("f1(feliz (muy)) >= 0.5", ("feliz (muy)",), ['f1("feliz (muy)")']),
        ("recall(a=b) >= 0.5", ("a=b", "c"), ['recall("a=b")', 'recall("a"="b")']),
        ("recall(a=b, c) >= 0.5", ("a=b, c",), ['recall("a=b, c")', 'recall("a"="b")']),
        ("precision(<b>) >= 0.5", ("<b>",), ['precision("<b>")']),
    ],
)
def test_a_text_that_could_mean_two_things_is_refused_with_both_ways_out(
    text: str, classes: tuple[str, ...], ways: list[str]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_claim(text, classes)
    assert caught.value.code == "bad_claim"
    assert all(way in str(caught.value.hint) for way in ways)
    for way in ways:
        parse_claim(f"{way} >= 0.5", classes)


@pytest.mark.parametrize(
    ("comparator", "threshold", "value", "low", "high", "n", "needed"),
    [
        (">=", "0.800000", "0.900000", "0.700000", "0.950000", 100, 300),  # (0.2 / 0.1) squared, times 100
        ("<=", "0.800000", "0.900000", "0.700000", "0.950000", 100, 301),  # refuted only beyond it
        (">=", "0.800000", "0.700000", "0.600000", "0.850000", 100, 126),  # refuted: 1.5 squared is 225, and one
        ("<=", "0.100000", "0.050000", "0.000000", "0.150000", 50, 150),
        (">=", "0.900000", "0.900000", "0.850000", "0.950000", 100, None),
        (">=", "0.900000", None, None, None, 3, None),
    ],
)
def test_how_many_more_images_would_decide_it(
    comparator: str, threshold: str, value: str | None, low: str | None, high: str | None, n: int, needed: int | None
) -> None:
    claim = Claim(metric="macro_f1", comparator=comparator, threshold=threshold)
    verdict = judge(claim, Metric(metric="macro_f1", value=value, low=low, high=high, n=n))
    assert (verdict.verdict, verdict.needed) == ("undecided", needed)


def test_a_decided_claim_needs_nothing() -> None:
    claim = Claim(metric="macro_f1", comparator=">=", threshold="0.500000")
    verdict = judge(claim, Metric(metric="macro_f1", value="0.900000", low="0.800000", high="0.950000", n=10))
    assert (verdict.verdict, verdict.needed) == ("supported", None)
