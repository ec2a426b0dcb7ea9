"""The whole evaluation: groups as Fairlearn has them, notes that say what is missing, the same from any order."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from fairlearn.metrics import MetricFrame
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import DAG_CBOR, cid_of
from registry.evaluation.claims import parse_claim
from registry.evaluation.evaluate import MAX_FOLDS, evaluate
from registry.evaluation.figures.figures import METRICS
from registry.evaluation.figures.thresholds import ThresholdRule
from registry.evaluation.intervals.intervals import wilson
from registry.evaluation.result import Result, to_record
from registry.evaluation.sentences import note_text
from registry.web.base.words import Words
from tests.evaluation.world import CLASSES, Row, crowd, row, sha, worlds

FIXED: dict[str, Any] = {
    "classes": CLASSES,
    "threshold": ThresholdRule("fixed", 250_000, 10_000, 5),
    "final": "fold:0",
    "histories": (),
    "claims": (),
    "groups": (),
    "clusters": {},
    "attributes": {},
    "rounds": 200,
    "min_group": 10,
    "seed": 2023,
    "origin": None,
    "seen": (),
    "planned": METRICS,
    "sources": {},
}


def evaluated(rows: list[Row], **changes: Any) -> Result:
    return evaluate(rows, **{**FIXED, **changes})


def named(result: Result) -> dict[str, records.Metric]:
    return {one.name: one for one in (*result.metrics, *result.fairness)}


def test_names_are_the_interfaces() -> None:
    rows, clusters = crowd(120, 3)
    result = evaluated(rows, clusters=clusters)
    by_class = ("f1", "recall", "precision", "ap", "ap50", "ap50_95", "auc")
    wanted = {one for one in METRICS if one not in by_class}
    wanted |= {f"{kind}({name})" for kind in by_class for name in CLASSES}
    assert {one.name for one in result.metrics} == wanted
    assert all(any(name == one or name.startswith(f"{one}(") for one in METRICS) for name in wanted)
    assert [{one.name for one in fold} for fold in result.per_fold] == [wanted] * 5
    assert sum(sum(line) for line in result.confusion) == 120
    for one in result.metrics:
        if one.metric == "false_alarm_rate":
            assert (one.value, one.reason) == (None, "no_background")
            continue
        assert one.value is not None
        assert one.reason is None
        if one.name.partition("(")[0] in ("auc", "macro_auc", "ece"):
            assert one.low is one.high is None
            continue
        assert one.low is not None
        assert one.high is not None
        assert Decimal(one.low) < Decimal(one.high)
        assert all(len(text.partition(".")[2]) == 6 for text in (one.value, one.low, one.high))


@given(st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=5)
def test_order_of_input_does_not_matter(random: Any) -> None:
    rows, clusters = crowd(40, 3)
    attributes = {sha(number): {"gender": "fm"[number % 2], "age": "old"} for number in range(40)}
    fixed: dict[str, Any] = {
        "groups": ("age", "gender"),
        "threshold": ThresholdRule("other_folds", 250_000, 10_000, 3),  # folds 3 and 4 are another repeat's
    }
    first = evaluated(rows, clusters=clusters, attributes=attributes, **fixed)
    random.shuffle(rows)
    turned = dict(reversed(clusters.items()))
    again = evaluated(rows, clusters=turned, attributes=dict(reversed(attributes.items())), **fixed)
    assert again == first


@given(worlds(classes=3, most=30), st.integers(1, 6))
@settings(deadline=None, max_examples=40)
def test_groups_are_fairlearns(world: tuple[list[Row], int], min_group: int) -> None:
    rows, k = world
    group = ["fmx"[one["sha256"][0] % 3] for one in rows]
    attributes = {one["sha256"]: {"gender": value} for one, value in zip(rows, group, strict=True)}
    changes = {"classes": CLASSES[:k], "min_group": min_group, "rounds": 3}
    found = named(evaluated(rows, attributes=attributes, groups=("gender",), **changes))
    said = [min(((-d[1], d[0]) for d in one["detections"] if d[1] >= 250_000), default=(0, k))[1] for one in rows]
    truth = [one["truth"] for one in rows]
    frame = MetricFrame(metrics=accuracy_score, y_true=truth, y_pred=said, sensitive_features=group)
    for value in set(group):
        metric = found[f"recall(gender={value})"]
        assert metric.n == group.count(value)
        if metric.n < min_group:
            assert metric.value is metric.low is metric.high is None
        else:
            assert float(metric.value or -1) == pytest.approx(frame.by_group[value], abs=5e-7)


def test_small_groups_are_not_estimable_and_never_dropped() -> None:
    rows = [row(number, number % 2, (number % 2, 900_000)) for number in range(24)]
    attributes = {sha(number): {"gender": "f" if number < 9 else "m"} for number in range(24)}
    result = evaluated(rows, classes=("a", "b"), attributes=attributes, groups=("gender",))
    found = named(result)
    assert found["recall(gender=f)"] == records.Metric(
        metric="recall", group={"gender": "f"}, value=None, low=None, high=None, n=9, reason="too_few"
    )
    bound = wilson(15, 15)
    assert bound is not None
    low, high = bound
    assert found["recall(gender=m)"] == records.Metric(
        metric="recall", group={"gender": "m"}, value="1.000000", low=low, high=high, n=15
    )
    assert any("recall(gender=f) (9)" in note_text(note) for note in result.notes)
    names = {one.name for one in result.fairness}
    assert {"recall(a)", "recall_gap(class)", "recall(gender=f)", "fpr(gender=m, a)", "recall_gap(gender)"} <= names


def test_a_small_class_has_no_recall_and_no_gap() -> None:
    rows = [row(number, int(number >= 15), (0, 900_000)) for number in range(18)]
    found = named(evaluated(rows, classes=("a", "b")))
    assert found["recall(b)"].value is None
    assert found["recall(b)"].n == 3
    assert found["recall_gap(class)"].value is found["recall_gap(class)"].low is None
    assert found["recall(a)"].value == "1.000000"


def test_the_first_note_says_what_is_missing() -> None:
    rows, _ = crowd(30, 2)
    assert evaluated(rows).notes[0].code == "classes_only"
    assert evaluated(rows, groups=("gender",)).notes[0].code == "classes_only"  # asked for, declared by nobody
    alike = {sha(number): {"gender": "f"} for number in range(30)}
    assert evaluated(rows, groups=("gender",), attributes=alike).notes[0].code == "classes_only"
    attributes = {sha(3): {"gender": "f", "height": "tall"}, sha(4): {"gender": "m", "height": "small"}}
    first = evaluated(rows, groups=("gender",), attributes=attributes).notes[0]
    assert first == records.Note(code="compared", values={"attributes": ("gender",)})
    notes = " ".join(map(note_text, evaluated(rows).notes))
    assert "procedure" in notes
    assert "The plan fixed the threshold 0.250000" in notes
    assert "pr_auc is computed on images" in notes


def test_undeclared_attributes_are_not_looked_at() -> None:
    rows, _ = crowd(30, 2)
    attributes = {sha(number): {"gender": "f", "name": "x"} for number in range(30)}
    assert "recall(name=x)" not in named(evaluated(rows, groups=("gender",), attributes=attributes))


def test_each_claim_gets_its_verdict() -> None:
    rows = [row(number, number % 4, (number % 4, 900_000)) for number in range(80)]
    attributes = {sha(number): {"gender": "f"} for number in range(50)}
    texts = (
        "macro_f1 >= 0.9",
        "macro_f1 <= 0.5",
        "recall_gap(class) <= 0.2",
        "recall(gender=f) >= 0.9",
        "recall(gender=x) >= 0.1",
        "f1(nobody) >= 0.1",
        "macro_f1 >= 0.99",
    )
    claims = tuple(map(parse_claim, texts))
    result = evaluated(rows, claims=claims, groups=("gender",), attributes=attributes)
    assert [one.verdict for one in result.verdicts] == [
        "supported",
        "refuted",
        "supported",
        "supported",
        "undecided",
        "undecided",
        "undecided",  # eighty right of eighty do not show 0.99
    ]


def test_a_class_and_a_group_of_one_name_are_two_figures() -> None:
    rows = [row(number, 0, (number % 2, 900_000)) for number in range(40)]
    attributes = {sha(number): {"gender": "mf"[number % 2]} for number in range(40)}
    claims = tuple(map(parse_claim, ('recall("gender"="f") <= 0.1', 'recall("gender=f") >= 0.3')))
    result = evaluated(rows, classes=("gender=f", "b"), attributes=attributes, groups=("gender",), claims=claims)
    assert [one.metric for one in result.verdicts] == ["recall(gender=f)", 'recall("gender=f")']
    assert [(one.value, one.verdict) for one in result.verdicts] == [
        ("0.000000", "undecided"),  # of 20 images wrong, 0.161 is possible
        ("0.500000", "supported"),
    ]


def test_an_attribute_that_figures_are_named_by_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        evaluated([row(1, 0, (0, 900_000))], groups=("Class",))
    assert caught.value.code == "reserved_name"
    assert "rename" in str(caught.value.hint)


CLAIMED = ("pr_auc >= 0.9", "ap(a) >= 0.9", "precision(a) >= 0.9", "macro_precision >= 0.9", "f1(a) >= 0.9")


@pytest.mark.parametrize(("classes", "nothing"), [(("a",), 0), (("a", "b"), 0), (("a",), 40)])
def test_where_nothing_can_be_wrong_no_figure_praises_it(classes: tuple[str, ...], nothing: int) -> None:
    """With one class, average precision is 1 though nothing was found. A picture without an object is a negative."""
    rows = [row(number, 0) for number in range(40)]
    rows += [row(number, None) for number in range(40, 40 + nothing)]
    result = evaluated(rows, classes=classes, claims=tuple(map(parse_claim, CLAIMED)))
    found = named(result)
    assert not [one.metric for one in result.verdicts if one.verdict == "supported"]
    assert found["f1(a)"].value == found["macro_f1"].value == "0.000000"
    vacuous = [name for name in ("pr_auc", "ap(a)", "precision(a)", "macro_precision") if found[name].value is None]
    if nothing:
        assert vacuous == ["precision(a)"]  # nobody is called so
        assert found["precision(a)"].reason == "no_calls"
        assert float(found["pr_auc"].value or 1) < 1
        assert dict(result.curves)["pr(a)"]
    else:
        assert vacuous == ["pr_auc", "ap(a)", "precision(a)", "macro_precision"]
        assert {found[name].reason for name in vacuous} == {"no_negatives"}
        assert [one.reason for one in result.verdicts] == ["no_negatives"] * 4 + [None]
        assert dict(result.curves)["pr(a)"] == dict(result.curves)["roc(a)"] == []


def test_a_picture_without_an_object_is_right_where_nothing_is_seen_and_a_false_alarm_otherwise() -> None:
    """Counted by hand: 40 of two classes, half of them called right, the others nothing; 40 of nothing, 10 called b."""
    rows = [row(number, number % 2, *([(number % 2, 900_000)] if number < 20 else [])) for number in range(40)]
    rows += [row(number, None, *([(1, 800_000)] if number < 50 else [])) for number in range(40, 80)]
    attributes = {sha(number): {"site": "xy"[number // 10 % 2]} for number in range(80)}
    result = evaluated(
        rows,
        classes=("a", "b"),
        claims=(parse_claim("false_alarm_rate <= 0.45"),),
        attributes=attributes,
        groups=("site",),
    )
    found = named(result)
    assert result.confusion == ((10, 0, 10), (0, 10, 10), (0, 10, 30))
    assert result.several == (0, 0, 0)
    assert found["accuracy"].value == "0.625000"  # 50 of 80
    assert found["micro_recall"].value == found["weighted_recall"].value == "0.500000"
    assert found["micro_precision"].value == "0.666667"
    assert (found["precision(a)"].value, found["precision(b)"].value) == ("1.000000", "0.500000")
    assert found["f1(b)"].value == "0.500000"
    assert (found["false_alarm_rate"].value, found["false_alarm_rate"].n) == ("0.250000", 40)
    assert result.verdicts[0].verdict == "supported"
    assert found["recall_gap(class)"].value == "0.000000"
    assert found["recall_gap(class)"].n == 40  # the others are of no class
    assert found["fpr(site=x, b)"].value == "0.333333"  # of 30 that are not b, 10 are called so
    assert found["recall(site=x)"].value == "0.500000"  # 10 of its 20 of a class, 10 of its 20 of none
    assert [one.name for one in result.tests[:2]] == ["recall(a)", "recall(b)"]


@pytest.mark.parametrize("wrong", [{"truth": None}, {"truth": 4}, {"truth": -1}])
def test_nothing_has_no_box_and_is_said_by_null_alone(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="is impossible"):
        evaluated([{**row(1, 0), **wrong}])


def test_no_predictions_at_all_give_no_figures() -> None:
    result = evaluated([], threshold=ThresholdRule("other_folds", 250_000, 10_000, 5), final="refit")
    assert (result.thresholds, result.optimistic, result.overfitting, result.spread) == ((), (), (), ())
    assert (result.threshold_of_all, result.several) == ("0.250000", (0,) * 4)
    assert all(one.value is None and one.n == 0 for one in result.metrics)
    assert result.per_fold == ()
    assert result.confusion == ((0,) * 5,) * 4


def test_where_nothing_is_detected_figures_are_zero_or_none() -> None:
    rows = [row(number, number % 4) for number in range(80)]
    found = named(evaluated(rows))
    assert found["macro_f1"].value == found["macro_f1"].low == "0.000000"
    assert Decimal(found["macro_f1"].high or "0") == Decimal((wilson(0, 80) or ("", ""))[1])
    assert found["precision(feliz)"].value is None  # nobody was called so
    assert found["map50"].value == "0.000000"
    assert evaluated(rows).confusion[2] == (0, 0, 0, 0, 20)


def test_one_class_alone_has_figures_and_no_gap() -> None:
    rows = [row(number, 0, (0, 900_000)) for number in range(20)]
    found = named(evaluated(rows, classes=("a",)))
    assert found["macro_f1"].value == "1.000000"
    assert found["recall_gap(class)"].value is None


def test_more_folds_than_any_plan_has() -> None:
    rows = [row(number, 0, (0, 900_000), fold=number) for number in range(MAX_FOLDS + 1)]
    with pytest.raises(InvalidInput) as caught:
        evaluated(rows, rounds=1)
    assert caught.value.code == "bad_predictions"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"classes": ()}, "bad_classes"),
        ({"classes": ("a", "a")}, "bad_classes"),
        ({"classes": tuple(map(str, range(101)))}, "bad_classes"),
        ({"rounds": 10**12}, "bad_rounds"),
        ({"rounds": 0}, "bad_rounds"),
        ({"seed": -1}, "bad_seed"),
        ({"clusters": {sha(1): None}}, "bad_groups"),
        ({"attributes": {sha(1): None}}, "bad_groups"),
        ({"attributes": {sha(1): {"gender": 5}}}, "bad_groups"),
        ({"claims": (records.Claim(metric="macro_f1", comparator="!", threshold="0.1"),)}, "bad_claim"),
    ],
)
def test_what_no_plan_can_say(changes: dict[str, Any], code: str) -> None:
    rows = [row(1, 0, (0, 900_000))]
    with pytest.raises(InvalidInput) as caught:
        evaluated(rows, **changes)
    assert caught.value.code == code


def test_figures_are_those_of_the_releases_that_are_out() -> None:
    """Figures of today, to the last digit: another version that gives others contradicts releases that are out."""
    rows, clusters = crowd(90, 4)
    found = named(evaluated(rows, clusters=clusters))
    assert {name: (found[name].value, found[name].low, found[name].high) for name in PINNED} == PINNED


PINNED: Mapping[str, tuple[str, str, str]] = {
    "macro_f1": ("0.684149", "0.587554", "0.767090"),
    "micro_f1": ("0.711864", "0.619393", "0.789504"),
    "accuracy": ("0.700000", "0.598735", "0.784891"),
    "pr_auc": ("0.709166", "0.636183", "0.772739"),
    "map50": ("0.604763", "0.548475", "0.658404"),
    "map50_95": ("0.491372", "0.446518", "0.536366"),
    "f1(feliz)": ("0.600000", "0.425105", "0.752647"),
    "recall_gap(class)": ("0.310588", "0.000000", "0.529000"),
}


def test_what_is_optimistic_is_the_highest_point_of_its_curve() -> None:
    rows, clusters = crowd(90, 4)
    result = evaluated(rows, clusters=clusters)
    drawn = dict(result.curves)
    assert [one.name for one in result.optimistic] == ["macro_f1", "macro_f1_50"]
    for one, name in zip(result.optimistic, ("macro_f1_confidence", "macro_f1_50_confidence"), strict=True):
        assert one.value == max(y for _, y in drawn[name])
        assert [one.threshold, one.value] in drawn[name]


def test_one_changed_score_shows() -> None:
    rows, clusters = crowd(40, 3)
    first = evaluated(rows, clusters=clusters)
    rows[7]["detections"][0][1] = 999_999 - rows[7]["detections"][0][1]
    again = evaluated(rows, clusters=clusters)
    assert again.curves != first.curves
    assert again.metrics != first.metrics


def test_to_record_round_trips() -> None:
    rows, clusters = crowd(30, 2)
    result = evaluated(rows, clusters=clusters, claims=(parse_claim("macro_f1 >= 0.5"),))
    cid = cid_of(b"\xa0", DAG_CBOR)
    record = to_record(cid, cid, (cid,), cid, result)
    assert records.parse(records.encode(record)) == record
    assert record.verdicts == result.verdicts


def test_signature_is_what_audits_call() -> None:
    """Keyword by keyword: audits of old releases call it so."""
    assert list(inspect.signature(evaluate).parameters) == ["predictions", *FIXED]


BAGS, STEPS = "were divided among 1024 bags", "at most 256 steps per class"


@pytest.mark.parametrize(
    ("images", "kinds", "persons", "said"),
    [
        (1024, 1, 1024, set()),
        (1025, 1, 1025, {BAGS, STEPS}),
        (1025, 4, 1025, {BAGS}),  # no class has as many ranks
        (1025, 1, 3, {STEPS}),
        (1025, 1, 1024, {STEPS}),
    ],
)
def test_how_large_releases_are_bounded_is_said_where_it_applies(
    images: int, kinds: int, persons: int, said: set[str]
) -> None:
    rows = [row(number, number % kinds, (number % kinds, 500_000 + number)) for number in range(images)]
    clusters = {sha(number): sha(number % persons) for number in range(images)}
    notes = evaluated(rows, clusters=clusters, rounds=2).notes
    assert {one for one in (BAGS, STEPS) if any(one in note_text(note) for note in notes)} == said
    spanish = [Words("es").note(note) for note in notes]
    assert {language for _, language in spanish} == {"es"}
    assert sum("1024\u00a0bolsas" in text or "256\u00a0pasos" in text for text, _ in spanish) == len(said)
