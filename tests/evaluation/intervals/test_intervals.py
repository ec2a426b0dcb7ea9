"""Wilson's interval, the bootstrap's random numbers bit by bit, and its rounds against plain resampling."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import takewhile
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.core.errors import InvalidInput
from registry.evaluation.decimals import UNIT
from registry.evaluation.figures import areas, metrics, ratios
from registry.evaluation.figures.ratios import NONE
from registry.evaluation.input.columns import IOU_PERCENTS
from registry.evaluation.input.reading import columns_of
from registry.evaluation.intervals import bootstrap as module
from registry.evaluation.intervals.bootstrap import bootstrap
from registry.evaluation.intervals.gap_interval import gap_interval
from registry.evaluation.intervals.intervals import (
    BAGS,
    Z,
    bags_of,
    bounds,
    draws,
    effective_size,
    group_indices,
    percentiles,
    quantile,
    share_interval,
    variance,
    wilson,
)
from registry.evaluation.intervals.worst_interval import ratio_interval, worst_interval
from tests.evaluation.world import CLASSES, Row, crowd, row, sha, worlds

MASK = (1 << 64) - 1


def philox(key: tuple[int, int], counter: int) -> list[int]:
    """One block of Philox 4x64-10, from the paper (Salmon et al. 2011), not from numpy."""
    block, (k0, k1) = [counter, 0, 0, 0], key
    for _ in range(10):
        one, other = 0xD2E7470EE14C6C93 * block[0], 0xCA5A826395121157 * block[2]
        block = [(other >> 64) ^ block[1] ^ k0, other & MASK, (one >> 64) ^ block[3] ^ k1, one & MASK]
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
    return block


def plain_draws(groups: int, rounds: int, seed: int) -> list[list[int]]:
    """How often each group is drawn, as the docstring says it."""
    blocks = (groups * rounds + 3) // 4
    raw = [value for counter in range(1, blocks + 1) for value in philox((seed, 0), counter)]
    found = []
    for number in range(rounds):
        counts = [0] * groups
        for value in raw[number * groups : (number + 1) * groups]:
            counts[((value >> 32) * groups) >> 32] += 1
        found.append(counts)
    return found


def test_philox_gives_the_published_numbers() -> None:
    """Random123's vector for counter 0 and key 0."""
    assert philox((0, 0), 0) == [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]


@given(st.integers(1, 30), st.integers(1, 20), st.integers(0, MASK), st.integers(1, 25))
@settings(deadline=None)
def test_draws_are_philoxs_raw_numbers(groups: int, rounds: int, seed: int, at_once: int) -> None:
    found = np.concatenate(list(draws(groups, rounds, seed, at_once)))
    assert found.tolist() == plain_draws(groups, rounds, seed)
    assert (found.sum(axis=1) == groups).all()


def test_draws_are_those_of_the_documented_example() -> None:
    """The documented example: seed 2023, five groups, three rounds."""
    assert np.concatenate(list(draws(5, 3, 2023, 8))).tolist() == [[3, 1, 0, 1, 0], [1, 0, 2, 1, 1], [1, 0, 2, 0, 2]]


@pytest.mark.parametrize(
    ("rounds", "seed", "code"),
    [(0, 1, "bad_rounds"), (10**9, 1, "bad_rounds"), (5, -1, "bad_seed"), (5, 1 << 64, "bad_seed")],
)
def test_plans_that_ask_for_impossible_rounds_are_refused(rounds: int, seed: int, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        list(draws(3, rounds, seed, 10))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [
        (143, 159, "0.84", "0.94"),  # training.md: 143 of 159 is [0.84, 0.94]
        (0, 10, "0.000000", "0.277533"),  # statsmodels' proportion_confint(method="wilson")
        (10, 10, "0.722467", "1.000000"),
        (1, 2, "0.094531", "0.905469"),
        (81, 263, "0.255", "0.366"),  # Newcombe 1998, table I
    ],
)
def test_wilsons_interval_is_the_published_one(right: int, total: int, low: str, high: str) -> None:
    found = wilson(right, total)
    assert found is not None
    assert found[0].startswith(low)
    assert Decimal(found[1]).quantize(Decimal(high)) == Decimal(high)


@given(st.integers(1, 10**6), st.data())
def test_wilson_holds_the_value(total: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, total))
    found = wilson(right, total)
    assert found is not None
    low, high = map(Decimal, found)
    assert 0 <= low <= Decimal(right) / total + Decimal("0.000001")
    assert Decimal(right) / total - Decimal("0.000001") <= high <= 1


def test_wilsons_interval_of_nothing_is_none() -> None:
    assert wilson(0, 0) is None


def test_groups_are_sorted_by_name() -> None:
    places, count = group_indices([b"b", b"a", b"b", b"c"])
    assert (places.tolist(), count) == ([1, 0, 1, 2], 3)


def test_percentiles_are_order_statistics() -> None:
    values = (np.arange(2000, dtype=np.int64) - 1000) * (UNIT // 2000)
    low, high = percentiles(values[::-1].copy())  # the 50th and the 1950th of 2000
    assert (low, high) == (Fraction(-951 * (UNIT // 2000), UNIT), Fraction(949 * (UNIT // 2000), UNIT))
    assert percentiles(values[:1]) == (Fraction(int(values[0]), UNIT),) * 2


def test_what_resampling_cannot_see_still_has_an_interval() -> None:
    """All right in every round is no proof of perfection: a bound of Wilson's kind stays."""
    assert bounds(np.full(2000, UNIT, np.int64), 40, Fraction(1)) == wilson(40, 40) == ("0.912378", "1.000000")
    assert bounds(np.zeros(2000, np.int64), 40, Fraction(0)) == ("0.000000", "0.087622")
    some = np.append(np.arange(1000), np.full(1001, NONE))  # fewer than half of the rounds have a value
    assert bounds(some, 50, Fraction(1, 2)) is None
    assert bounds(np.zeros(0, np.int64), 0, Fraction(0)) is None


@given(st.fractions(Fraction(1, 10**7), Fraction(1, 2)))
def test_quantiles_are_the_standard_librarys(tail: Fraction) -> None:
    assert float(quantile(tail)) == pytest.approx(-NormalDist().inv_cdf(float(tail)), rel=1e-9, abs=1e-9)


def test_quantiles_are_those_of_tables() -> None:
    """To the last of 15 places: R's qnorm, and what the interval of one share has used all along."""
    assert quantile(Fraction(1, 40)) == Z == Decimal("1.959963984540054")
    assert quantile(Fraction(1, 200)) == Decimal("2.575829303548901")
    assert quantile(Fraction(1, 2)) == 0


def copies(rows: list[Row], times: list[int]) -> list[Row]:
    """Each image as often as it was drawn, under names that keep the order."""
    return [
        {**one, "sha256": one["sha256"] + bytes([number])}
        for one, count in zip(rows, times, strict=True)
        for number in range(count)
    ]


def plain_round(rows: list[Row], k: int, threshold: int) -> dict[str, Fraction | None]:
    columns = columns_of(rows, k)
    counts = metrics.confusion_of(columns, threshold)
    found: dict[str, Fraction | None] = {
        "macro_f1": metrics.macro_f1(counts),
        "micro_f1": metrics.micro_f1(counts),
        "pr_auc": metrics.pr_auc(columns),
        "map50": metrics.mean_average_precision(columns, (50,)),
        "map50_95": metrics.mean_average_precision(columns, IOU_PERCENTS),
    }
    found |= {
        "weighted_f1": metrics.weighted(counts, metrics.class_f1),
        "macro_precision": metrics.macro(counts, metrics.class_precision),
        "macro_recall": metrics.macro(counts, metrics.class_recall),
        "weighted_precision": metrics.weighted(counts, metrics.class_precision),
    }
    there = metrics.present(counts)
    for label in range(k):
        found[f"f1 {label}"] = metrics.class_f1(counts, label) if label in there else None
        found[f"ap {label}"] = metrics.class_ap(columns, label)
        found[f"ap50 {label}"] = metrics.box_ap(columns, label)[0]
        found[f"ap50_95 {label}"] = metrics.mean(metrics.box_ap(columns, label))
    return found


@given(worlds(nothing=True), st.integers(0, 1000), st.data())
@settings(deadline=None, max_examples=40)
def test_rounds_are_plain_resampling(world: tuple[list[Row], int], seed: int, data: st.DataObject) -> None:
    """Each round's figures equal those of the resampled images themselves, evaluated exactly."""
    rows, k = world
    rows.sort(key=lambda one: one["sha256"])
    for one in rows:  # two of one image with one score keep their order when the image counts twice, copies don't
        one["detections"] = list({found[1]: found for found in one["detections"]}.values())
    names = [sha(1000 + data.draw(st.integers(0, 4))) for _ in rows]
    found = bootstrap(columns_of(rows, k), names, threshold=250_000, rounds=6, seed=seed)
    of_image, groups = group_indices(names)
    for number, drawn in enumerate(plain_draws(groups, 6, seed)):
        wanted = plain_round(copies(rows, [drawn[place] for place in of_image.tolist()]), k, 250_000)
        assert set(found) == set(wanted)
        for name, value in wanted.items():
            ours = int(found[name][number])
            assert (ours == NONE) == (value is None), name
            assert value is None or abs(Fraction(ours, UNIT) - value) < Fraction(4, UNIT), name


def test_any_block_size_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, clusters = crowd(90, 4)
    columns = columns_of(rows, 4)
    names = [clusters[key] for key in columns.keys]
    whole = bootstrap(columns, names, threshold=250_000, rounds=300, seed=5)
    monkeypatch.setattr(module, "CELLS", 360 * 7)
    by_sevens = bootstrap(columns, names, threshold=250_000, rounds=300, seed=5)
    for part in (ratios, areas):
        monkeypatch.setattr(part, "EXACT", 1)  # integers throughout, as for many millions of detections
    in_integers = bootstrap(columns, names, threshold=250_000, rounds=300, seed=5)
    for name, values in whole.items():
        assert values.tolist() == by_sevens[name].tolist() == in_integers[name].tolist(), name


def test_whole_groups_are_drawn() -> None:
    """Forty copies of two persons tell no more than two persons."""
    rows = [row(number, 0, (number % 2, 900_000)) for number in range(40)]
    columns = columns_of(rows, 2)
    by_image = bootstrap(columns, list(columns.keys), threshold=0, rounds=400, seed=1)["f1 0"]
    persons = [b"right" if hit else b"wrong" for hit in (columns.predicted(0) == 0).tolist()]
    by_person = bootstrap(columns, persons, threshold=0, rounds=400, seed=1)["f1 0"]
    assert set(by_person.tolist()) == {0, UNIT, UNIT * 2 // 3}
    low, high = (float(one) for one in percentiles(by_image))
    assert list(percentiles(by_person)) == [0, 1]
    assert 0.4 < low < high < 0.85


def test_coverage_of_a_known_truth() -> None:
    """Of 200 small worlds alike, the 95 % interval of macro-F1 holds the model's own value in about 95 %.

    bench/coverage.py measures it on more, and on harder ones.
    """
    random = np.random.Generator(np.random.PCG64(11))
    truth = 0.85  # each class alike: 0.8 known, and a quarter of the rest guessed
    inside = 0
    for _ in range(200):
        columns = columns_of(_world(random, 160), 4)
        rounds = bootstrap(columns, list(columns.keys), threshold=0, rounds=300, seed=3)["macro_f1"]
        figure = metrics.macro_f1(metrics.confusion_of(columns, 0))
        assert figure is not None
        bound = bounds(rounds, 160, figure)
        assert bound is not None
        low, high = bound
        inside += float(low) <= truth <= float(high)
    assert 180 <= inside <= 198


def _world(random: np.random.Generator, images: int) -> list[Row]:
    truth = random.integers(4, size=images)
    said = np.where(random.random(images) < 0.8, truth, random.integers(4, size=images))
    return [row(number, int(truth[number]), (int(said[number]), 900_000)) for number in range(images)]


def test_names_are_those_that_metrics_need() -> None:
    rows, _ = crowd(20, 2)
    columns = columns_of(rows, len(CLASSES))
    found = bootstrap(columns, list(columns.keys), threshold=0, rounds=3, seed=0)
    assert set(found) >= {"macro_f1", "micro_f1", "macro_recall", "pr_auc", "map50", "map50_95", "f1 3"}
    assert all(values.shape == (3,) for values in found.values())


def test_judgements_of_one_image_are_worth_one() -> None:
    assert wilson(60, 80, 2) == wilson(30, 40)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
def test_worth_is_kishs_over_the_design_effect(judged: list[tuple[int, bool]]) -> None:
    """Against the linearised variance of a ratio (Cochran 1977, 6.13), in fractions."""
    groups, right = np.array([one for one, _ in judged]), np.array([hit for _, hit in judged])
    n, hits = len(judged), int(right.sum())
    p = Fraction(hits, n)
    members = [(int((groups == one).sum()), int((right & (groups == one)).sum())) for one in set(groups.tolist())]
    spread = sum((h - p * m) ** 2 for m, h in members) / Fraction(n * n)
    plain = Fraction(n * n, sum(m * m for m, _ in members)) if p in (0, 1) else None
    expected = plain or (p * (1 - p) / spread if spread else Fraction(n))
    assert effective_size(groups, right) == min(expected, n)
    assert effective_size(groups, right, 2) <= Fraction(n, 2)


def test_the_worth_of_plain_cases_is_that_by_hand() -> None:
    ones = np.arange(40)
    assert effective_size(ones, ones < 30) == 40  # each its own group: what Wilson's interval takes for granted
    assert effective_size(ones // 2, ones < 30) == 20  # pairs that go right or wrong together are worth half
    assert effective_size(ones // 2, ones < 40) == 20  # and so where all are right: nothing shows that they differ
    assert effective_size(np.zeros(0, np.int64), np.zeros(0, bool)) == 0


def test_bounds_of_a_share_are_wilsons_on_what_the_rounds_say() -> None:
    """Rounds that spread as 40 independent images would give Wilson's interval of 40 images."""
    value = Fraction(3, 4)
    half = int((value * (1 - value) / 40) ** Fraction(1, 2) * UNIT)
    rounds = np.array([UNIT * 3 // 4 - half, UNIT * 3 // 4 + half] * 500, np.int64)
    assert abs(float(variance(rounds)) - 0.75 * 0.25 / 40) < 1e-9
    low, high = bounds(rounds, 99, value) or ("", "")
    assert (float(low), float(high)) == pytest.approx(tuple(map(float, wilson(30, 40) or ())), abs=2e-6)
    still = np.full(1000, UNIT // 2, np.int64)
    assert bounds(still, 99, Fraction(1, 2)) == share_interval(Fraction(1, 2), Fraction(99))
    assert bounds(np.full(1000, UNIT, np.int64), 40, Fraction(1)) == wilson(40, 40)


def _blocks() -> list[str]:
    """Every figure of docs/intervals.md: its indented lines, and its words."""
    return (Path(__file__).parents[3] / "docs" / "intervals.md").read_text(encoding="utf-8").splitlines()


def _told(after: str) -> list[list[str]]:
    """The indented lines that follow a line which holds ``after``."""
    lines = _blocks()
    place = next(number for number, text in enumerate(lines) if after in text) + 1
    rest = lines[place + (not lines[place]) :]
    return [text.split() for text in takewhile(lambda text: text.startswith("    "), rest)]


def test_random_numbers_are_those_of_the_documents() -> None:
    raw = [value for counter in (1, 2, 3) for value in philox((2023, 0), counter)]
    told = [int(text, 16) for line in _told("The first for seed 2023") for text in line]
    assert told == raw[:10]
    assert [int(text) for line in _told("two rounds of five picks") for text in line] == [
        ((one >> 32) * 5) >> 32 for one in told
    ]
    assert [int(text, 16) for text in _told("Under key (seed, 1)")[0]] == philox((2023, 1), 1)


def test_the_worked_example_of_the_documents_holds() -> None:
    truth, predicted, person = (line[1:] for line in _told("seed 2023, six rounds"))
    rows = [row(number, int(truth[number]), (int(predicted[number]), 900_000)) for number in range(8)]
    rows.sort(key=lambda one: one["sha256"])
    names = {sha(number): person[number].encode() for number in range(8)}
    columns = columns_of(rows, 2)
    clusters = [names[key] for key in columns.keys]
    drawn = np.concatenate(list(draws(5, 6, 2023, 9)))
    assert drawn.tolist() == [[int(text) for text in line] for line in _told("How often each person is drawn")]
    rounds = bootstrap(columns, clusters, threshold=0, rounds=6, seed=2023)["macro_f1"]
    assert rounds.tolist() == [int(text) for text in _told("Macro-F1 of each round")[0]]
    counts, text = metrics.confusion_of(columns, 0), "\n".join(_blocks())
    value = metrics.macro_f1(counts)
    assert value == Fraction(3, 4)
    assert f"variance {variance(rounds)}, the interval `{'` to `'.join(bounds(rounds, 5, value) or ())}`" in text
    groups, right = group_indices(clusters)[0], columns.predicted(0) == columns.truth
    for label in (0, 1):
        mine = columns.truth == label
        images = effective_size(groups[mine], right[mine])
        found = share_interval(metrics.class_recall(counts, label) or Fraction(0), images)
        assert f"worth {images}" in text
        assert f"`{'` to `'.join(found)}`" in text
    two, four = [(Fraction(7, 8), Fraction(8)), (Fraction(1, 2), Fraction(6))], [(Fraction(27, 30), Fraction(30))] * 4
    for found in (gap_interval([two], 40, 2023), worst_interval(two), ratio_interval([two]), worst_interval(four)):
        assert f"`{'` to `'.join(found)}`" in text
    assert str(quantile(Fraction(1, 80))) in text


def test_more_groups_than_bags_are_dealt_in_turn() -> None:
    names = [sha(number) for number in range(BAGS + 10)]
    place, count = bags_of(names)
    assert count == BAGS
    assert place.tolist() == [sorted(names).index(name) % BAGS for name in names]
    assert bags_of(names[:BAGS])[0].tolist() == group_indices(names[:BAGS])[0].tolist()


def test_steps_and_bags_leave_the_variance_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stated rules for large releases, forced upon a small one."""
    rows, _ = crowd(400, 3)
    columns = columns_of(rows, len(CLASSES))
    names = list(columns.keys)
    plain = bootstrap(columns, names, threshold=0, rounds=1500, seed=7)
    monkeypatch.setattr(areas, "exact_ranks", lambda classes: 20)
    monkeypatch.setattr(areas, "steps_of", lambda classes: 20)
    stepped = bootstrap(columns, names, threshold=0, rounds=1500, seed=7)
    assert stepped["macro_f1"].tolist() == plain["macro_f1"].tolist()
    for name in ("pr_auc", "map50", "map50_95"):
        assert float(variance(stepped[name]) / variance(plain[name])) == pytest.approx(1, abs=0.15)
    monkeypatch.setattr("registry.evaluation.intervals.intervals.BAGS", 100)
    dealt = bootstrap(columns, names, threshold=0, rounds=1500, seed=7)
    for name in ("macro_f1", "pr_auc", "map50"):
        assert float(variance(dealt[name]) / variance(plain[name])) == pytest.approx(1, abs=0.4)
