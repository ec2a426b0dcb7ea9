"""Groups and gaps: Fairlearn's definitions, small groups, pairs of attributes, and what is done about many groups."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from fairlearn import metrics as fairlearn
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from sklearn.metrics import f1_score, precision_score

from registry.core.records import Metric, Note
from registry.evaluation.fairness.fairness import Fairness, by_attributes
from registry.evaluation.fairness.group_tests import achieved_significance, by_class
from registry.evaluation.fairness.groups import groupings
from registry.evaluation.fairness.resampled_counts import ResampledCounts
from registry.evaluation.input.reading import columns_of
from registry.evaluation.intervals.intervals import wilson
from registry.evaluation.sentences import note_text
from tests.evaluation.world import CLASSES, Row, row, sha, truths, worlds

AT = 250_000


def judged(rows: list[Row], attributes: dict[bytes, dict[str, str]], **changes: Any) -> Fairness:
    k = changes.pop("k", 2)
    columns = columns_of(rows, k)
    wanted = {"classes": CLASSES[:k], "at": AT, "clusters": columns.keys, "rounds": 50, "min_group": 1, "seed": 1}
    names = sorted({name for found in attributes.values() for name in found})
    return by_attributes(columns, attributes, names, **{**wanted, **changes})


def named(found: Fairness) -> dict[str, Metric]:
    return {one.name: one for one in found.figures}


def close(metric: Metric, wanted: float) -> bool:
    if np.isnan(wanted):
        return metric.value is None
    return metric.value is not None and abs(float(metric.value) - wanted) < 1e-6


def split(rows: list[Row]) -> tuple[list[str], list[int], list[int]]:
    """Group, truth and call of each row, as Fairlearn wants them."""
    groups = ["fm"[one["sha256"][0] % 2] for one in rows]
    k = 4
    predicted = [min(((-d[1], d[0]) for d in one["detections"] if d[1] >= AT), default=(0, k))[1] for one in rows]
    return groups, truths(rows, k), predicted


@given(worlds(classes=3, most=40, nothing=True))
@settings(deadline=None, max_examples=25)
def test_figures_and_gaps_are_fairlearns(world: tuple[list[Row], int]) -> None:
    rows, k = world
    groups, truth, predicted = split(rows)
    attributes = {one["sha256"]: {"gender": group} for one, group in zip(rows, groups, strict=True)}
    found = named(judged(rows, attributes, k=k))
    if len(set(groups)) < 2:
        assert not [name for name in found if "_difference(" in name]
        return
    parity, opportunity, odds = [], [], []
    for label in range(k):
        one = {
            "y_true": [int(value == label) for value in truth],
            "y_pred": [int(value == label) for value in predicted],
            "sensitive_features": groups,
        }
        frame = fairlearn.MetricFrame(
            metrics={
                "selection": fairlearn.selection_rate,
                "recall": fairlearn.true_positive_rate,
                "fpr": fairlearn.false_positive_rate,
            },
            **one,
        )
        for group in set(groups):
            mine = [index for index, other in enumerate(groups) if other == group]
            for kind in ("selection", "recall", "fpr"):
                metric = found[f"{kind}(gender={group}, {CLASSES[label]})"]
                if metric.value is not None:
                    assert close(metric, frame.by_group[kind][group]), (kind, group, label)
                else:
                    assert not any((truth[at] == label) == (kind == "recall") for at in mine)
        there = {
            group: [truth[i] == label for i, other in enumerate(groups) if other == group] for group in set(groups)
        }
        parity.append(fairlearn.demographic_parity_difference(**one))
        if all(any(values) for values in there.values()):
            opportunity.append(fairlearn.equal_opportunity_difference(**one))
            odds.append(opportunity[-1])
        if all(not all(values) for values in there.values()):
            odds.append(frame.difference()["fpr"])
    assert close(found["demographic_parity_difference(gender)"], max(parity))
    assert close(found["equal_opportunity_difference(gender)"], max(opportunity, default=float("nan")))
    assert close(found["equalized_odds_difference(gender)"], max(odds, default=float("nan")))


@given(worlds(classes=3, most=40, nothing=True))
@settings(deadline=None, max_examples=20)
def test_f1_and_precision_of_a_group_are_scikit_learns(world: tuple[list[Row], int]) -> None:
    rows, k = world
    groups, truth, predicted = split(rows)
    attributes = {one["sha256"]: {"gender": group} for one, group in zip(rows, groups, strict=True)}
    found = named(judged(rows, attributes, k=k))
    for group in set(groups):
        mine = [index for index, other in enumerate(groups) if other == group]
        own, said = [truth[i] for i in mine], [predicted[i] for i in mine]
        about = {"labels": sorted({*own} - {4}), "average": "macro", "zero_division": 0.0}
        if set(own) == {4}:
            assert found[f"f1(gender={group})"].value is found[f"precision(gender={group})"].value is None
            continue
        assert close(found[f"f1(gender={group})"], f1_score(own, said, **about))
        if len(set(own)) == 1:
            assert found[f"precision(gender={group})"].reason == "no_negatives"
            continue
        assert close(found[f"precision(gender={group})"], precision_score(own, said, **about))


def test_a_group_below_the_size_counts_in_no_gap() -> None:
    rows = [row(number, 0, (0, 900_000)) for number in range(40)]
    rows += [row(number, 0, (1, 900_000)) for number in range(40, 44)]
    attributes = {sha(number): {"age": "old" if number < 20 else "young"} for number in range(40)}
    attributes |= {sha(number): {"age": "unknown"} for number in range(40, 44)}
    found = judged(rows, attributes, min_group=10)
    figures = named(found)
    assert (figures["recall(age=unknown)"].value, figures["recall(age=unknown)"].n) == (None, 4)
    assert figures["f1(age=unknown)"].value is figures["ece(age=unknown)"].value is None
    assert figures["recall_gap(age)"].value == "0.000000"  # 1.0 if the four counted
    assert figures["worst_recall(age)"].value == "1.000000"
    assert figures["recall_gap(age)"].high == figures["equalized_odds_difference(age)"].high == "1.000000"
    assert figures["worst_recall(age)"].low == figures["demographic_parity_ratio(age)"].low == "0.000000"
    assert "Lowest recall by age: age=old, age=young (1.000000)." in map(note_text, found.notes)
    assert [one.name for one in found.tests] == ["recall(age=old)", "recall(age=young)"]
    closed = named(judged(rows[:40], attributes, min_group=10))
    assert float(closed["recall_gap(age)"].high or 1) < 0.5
    assert float(closed["worst_recall(age)"].low or 0) > 0.5


def test_who_declared_nothing_is_counted() -> None:
    rows = [row(number, 0, (0, 900_000)) for number in range(30)]
    attributes = {sha(number): {"gender": "fm"[number % 2]} for number in range(22)}
    found = judged(rows, attributes, min_group=10)
    assert note_text(found.notes[0]) == "gender was not declared for 8 images: they are in none of its groups."


@given(worlds(classes=3, most=30, nothing=True), st.integers(0, 1 << 32))
@settings(deadline=None, max_examples=20)
def test_tallies_are_what_counting_one_by_one_gives(world: tuple[list[Row], int], seed: int) -> None:
    rows, k = world
    random = np.random.default_rng(seed)
    attributes = {
        one["sha256"]: {name: str(random.integers(3)) for name in "ab" if random.random() < 0.8} for one in rows
    }
    columns = columns_of(rows, k)
    clusters = [key[:1] for key in columns.keys]
    found, _ = groupings(columns, attributes, ("a", "b"), CLASSES[:k])
    tallies = ResampledCounts(columns, AT, found, clusters)
    drawn = random.integers(0, 4, (5, len(set(clusters))))
    predicted, names = columns.predicted(AT), sorted(set(clusters))
    for grouping, tally in zip(found, tallies.of(drawn), strict=True):
        for turn, times in enumerate(drawn):
            plain = np.zeros((len(grouping.values), k + 1, k + 1), np.int64)
            for at, cluster in enumerate(clusters):
                if grouping.code[at] >= 0:
                    plain[grouping.code[at], columns.truth[at], predicted[at]] += times[names.index(cluster)]
            assert np.array_equal(tally.hits[turn], np.einsum("gkk->gk", plain))
            assert np.array_equal(tally.truth[turn], plain.sum(axis=2))
            assert np.array_equal(tally.predicted[turn][:, :k], plain[..., :k].sum(axis=1))
            assert not tally.predicted[turn][:, k].any()


def test_a_gap_of_one_group_is_not_estimable() -> None:
    rows = [row(number, 0, (0, 900_000)) for number in range(20)]
    attributes = {sha(number): {"age": "old" if number < 15 else "young"} for number in range(20)}
    figures = named(judged(rows, attributes, min_group=10))
    for name in ("recall_gap", "worst_recall", "equalized_odds_difference", "demographic_parity_ratio"):
        wanted = Metric(metric=name, of=("age",), value=None, low=None, high=None, n=20, reason="one_group")
        assert figures[f"{name}(age)"] == wanted


def test_two_attributes_are_compared_alone_and_together() -> None:
    rows = [row(number, number % 2, (number % 2 if number % 3 else 1 - number % 2, 900_000)) for number in range(48)]
    attributes = {
        sha(number): {"age": ["old", "young"][number % 4 > 1], "gender": "fm"[number % 3 == 0]} for number in range(48)
    }
    found = named(judged(rows, attributes, min_group=5))
    assert found["recall(gender=m)"].value == "0.000000"
    assert found["recall(age=old & gender=f)"].value == "1.000000"
    assert found["recall_gap(age & gender)"].value == "1.000000"
    assert found["recall_gap(gender)"].low == "1.000000" or float(found["recall_gap(gender)"].low or 0) > 0.8


def test_a_gap_that_chance_explains_is_not_significant_and_a_real_one_is() -> None:
    def rows_of(wrong: Any) -> list[Row]:
        return [row(number, 0, (int(wrong(number)), 900_000)) for number in range(160)]

    attributes = {sha(number): {"site": "abcd"[number % 4]} for number in range(160)}
    for wrong, small in ((lambda number: number % 9 == 0, False), (lambda number: number % 4 == 0, True)):
        tests = judged(rows_of(wrong), attributes, rounds=400).tests
        assert len(tests) == 4
        assert all(float(one.corrected) >= float(one.p) for one in tests)
        assert (min(float(one.corrected) for one in tests) < 0.05) == small


def test_an_attribute_of_too_many_values_is_no_grouping() -> None:
    rows = [row(number, 0, (0, 900_000)) for number in range(60)]
    attributes = {sha(number): {"name": f"n{number}", "gender": "fm"[number % 2]} for number in range(60)}
    found = judged(rows, attributes)
    assert found.notes[0] == Note(code="not_compared", values={"groupings": ("name",)})
    assert not [one for one in found.figures if "name=" in one.name]


def test_what_has_no_room_in_a_record_is_left_out_by_name() -> None:
    rows = [row(number, 0, (0, 900_000)) for number in range(50)]
    attributes = {
        sha(number): {f"a{name:02d}": f"{number}" + "x" * 180 for name in range(6)} | {"b": "fm"[number % 2]}
        for number in range(50)
    }
    columns = columns_of(rows, 2)
    found, left_out = groupings(columns, attributes, (*(f"a{name:02d}" for name in range(6)), "b"), CLASSES[:2])
    assert {one.name for one in found} | set(left_out) >= {f"a{name:02d}" for name in range(6)} | {"b"}
    assert "b" in {one.name for one in found}
    assert left_out
    figures = judged(rows, attributes, rounds=2, min_group=30).figures
    assert sum(len(one.name) for one in figures) < 1_100_000


def test_no_more_is_compared_than_an_auditor_has_time_for() -> None:
    """Many attributes, values and classes together: what is left out is told by name, few are all compared."""
    rows = [row(number, number % 20, (number % 20, 900_000)) for number in range(400)]
    columns = columns_of(rows, 20)
    for many, values, all_taken in ((3, 3, True), (40, 2, False), (8, 30, False), (1, 50, False)):
        names = [f"a{name:02d}" for name in range(many)]
        attributes = {sha(n): {name: f"{n // (at + 1) % values}" for at, name in enumerate(names)} for n in range(400)}
        found, left_out = groupings(columns, attributes, names, tuple(f"c{label}" for label in range(20)))
        assert (not left_out) == all_taken
        work = [200 + 20 * len(one.values) * (len(one.values) - 1) // 2 for one in found]
        assert sum(work) <= 10_000
        assert {one.name for one in found} | set(left_out) >= set(names)


def test_what_was_not_declared_is_in_no_group() -> None:
    columns = columns_of([row(number, 0, (0, 900_000)) for number in range(10)], 1)
    attributes = {key: {"gender": "f"} for key in columns.keys[:4]} | {columns.keys[5]: {"gender": "m"}}
    (grouping,), _ = groupings(columns, attributes, ("gender", "age"), ("a",))
    assert grouping.values == ((("gender", "f"),), (("gender", "m"),))
    assert grouping.code.tolist() == [0, 0, 0, 0, -1, 1, -1, -1, -1, -1]


def test_significance_counts_the_sample_itself() -> None:
    rounds = np.array([3, 1, -1, 2, 5, 5, 5, 5, 5])
    assert achieved_significance(rounds) == Fraction(4, 10)
    assert achieved_significance(np.zeros(5, np.int64)) == 1
    assert achieved_significance(rounds[:0]) is None


def test_classes_are_groups_as_an_attribute_of_the_same_values_would_be() -> None:
    """Their tests and the worst recall: the same numbers, to the last place."""
    random = np.random.default_rng(4)
    rows = [
        row(number, number % 4, (number % 4 if random.random() < 0.6 + number % 4 / 10 else (number + 1) % 4, 900_000))
        for number in range(160)
    ]
    columns = columns_of(rows, 4)
    attributes = {one["sha256"]: {"kind": CLASSES[one["truth"]]} for one in rows}
    fixed: dict[str, Any] = {"at": AT, "clusters": [key[:1] for key in columns.keys]}
    fixed |= {"rounds": 300, "min_group": 10, "seed": 5}
    worst, tests = by_class(columns, CLASSES, **fixed)
    found = by_attributes(columns, attributes, ("kind",), classes=CLASSES, **fixed)
    figures = named(found)
    assert structs.replace(figures["worst_recall(kind)"], of=worst.of) == worst
    assert worst.value == min(figures[f"recall(kind={name})"].value or "" for name in CLASSES)
    assert [one.name for one in tests] == [f"recall({name})" for name in CLASSES]
    by_name = {one.name.replace("kind=", ""): one for one in found.tests}
    assert [structs.replace(by_name[one.name], group={}, label=one.label) for one in tests] == tests
    assert min(float(one.corrected) for one in tests) < 0.05  # the last class is called right far more often


def test_a_worst_group_is_no_surer_than_the_group_is() -> None:
    """Thirty of each class, all right: nobody knows more of the worst class than of a class of thirty."""
    rows = [row(number, number % 4, (number % 4, 900_000)) for number in range(120)]
    columns = columns_of(rows, 4)
    attributes = {one["sha256"]: {"site": "ab"[one["sha256"][0] % 2]} for one in rows}
    fixed: dict[str, Any] = {"at": AT, "clusters": columns.keys, "rounds": 300, "min_group": 10, "seed": 5}
    worst, _ = by_class(columns, CLASSES, **fixed)
    assert (worst.value, worst.low, worst.high) == ("1.000000", *(wilson(30, 30) or ()))
    figures = named(by_attributes(columns, attributes, ("site",), classes=CLASSES, **fixed))
    own = [figures[f"recall(site={one})"].low or "" for one in "ab"]
    assert figures["worst_recall(site)"].low == min(own) < "0.95"
    of_classes = [figures[f"recall(site={one}, {name})"].low or "" for one in "ab" for name in CLASSES]
    assert (figures["equal_opportunity_ratio(site)"].low or "") < min(of_classes)


def test_the_worst_class_is_not_estimable_where_one_is_small() -> None:
    rows = [row(number, int(number >= 30), (int(number >= 30), 900_000)) for number in range(39)]
    fixed: dict[str, Any] = {"at": AT, "rounds": 50, "min_group": 10, "seed": 5}
    for some, value in ((rows, None), ([*rows, row(39, 1, (1, 900_000))], "1.000000"), (rows[:30], None)):
        columns = columns_of(some, 3)
        worst, tests = by_class(columns, CLASSES[:3], clusters=columns.keys, **fixed)
        assert (worst.name, worst.value, worst.n) == ("worst_recall(class)", value, len(some))
        assert worst.reason == (None if value else "too_few" if some is rows else "one_group")
        assert (worst.low is None) == (value is None)
        assert bool(tests) == (value is not None)  # of two classes either both are tested or none
