"""`python -m bench coverage [--releases N] [--rounds N] [--workers N]`: how often published intervals hold the truth.

Releases are made up from known confusion probabilities, then judged by the functions that judge real ones. Every image
of a case's classes (sizes are fixed) is called right with its class's recall; a wrong one is called one of the other
classes alike, or nothing (a fifth). With persons, who have one to three images of any class, what is right and wrong
goes together: a latent normal of correlation 0.5 decides. The truth is that of the probabilities and sizes.

Printed by case and figure (recall of all classes together, and of those of one size and rate): how often the interval
holds the truth, how often it lies above and below it, its mean width; and of claims just beyond the truth (a millionth,
0.01 and 0.02), how often they are "supported" although false.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import product
from statistics import NormalDist

import numpy as np

from registry.core.records import Claim, Metric
from registry.evaluation.claims import judge
from registry.evaluation.decimals import six
from registry.evaluation.figures import metrics
from registry.evaluation.input.columns import Columns
from registry.evaluation.intervals.bootstrap import of_confusion
from registry.evaluation.intervals.gap_interval import gap_interval
from registry.evaluation.intervals.intervals import bounds, class_rates, group_indices, share_interval
from registry.evaluation.intervals.worst_interval import ratio_interval, worst_interval

SIZES = {
    159: {"balanced": (40, 40, 40, 39), "uneven": (66, 33, 30, 30), "small": (99, 30, 20, 10)},
    1000: {"balanced": (250, 250, 250, 250), "uneven": (700, 200, 60, 40)},
}
RECALLS = {
    "equal 0.90": (0.9, 0.9, 0.9, 0.9),
    "equal 0.97": (0.97, 0.97, 0.97, 0.97),
    "distinct": (0.95, 0.9, 0.85, 0.8),
    "one low": (0.95, 0.95, 0.95, 0.75),
    "two pairs": (0.95, 0.95, 0.85, 0.85),
}
NOTHING, CORRELATION = 0.2, 0.5
BEYOND = (Decimal("0.000001"), Decimal("0.01"), Decimal("0.02"))
CHUNK = 50
WANTED = ("recall", "macro_f1", "recall_gap")  # the others are meant to hold the truth more often


@dataclass(frozen=True)
class Case:
    """One world."""

    images: int
    shape: str
    persons: bool
    recalls: str

    @property
    def sizes(self) -> tuple[int, ...]:
        """Images by class."""
        return SIZES[self.images][self.shape]

    def confusion(self) -> np.ndarray:
        """(k, k + 1) probabilities, exact enough for six places."""
        k, found = len(self.sizes), np.zeros((len(self.sizes), len(self.sizes) + 1))
        for label, recall in enumerate(RECALLS[self.recalls]):
            found[label] = (1 - recall) * (1 - NOTHING) / (k - 1)
            found[label, k] = (1 - recall) * NOTHING
            found[label, label] = recall
        return found

    def truths(self) -> dict[str, float]:
        """Macro-F1, the gap, the worst class's recall, its ratio to the best's, and each class's."""
        counts = np.array(self.sizes)[:, None] * self.confusion()
        k, recalls = len(self.sizes), RECALLS[self.recalls]
        f1 = 2 * np.diag(counts) / (counts.sum(axis=1) + counts.sum(axis=0)[:k])
        named = {f"recall {label}": value for label, value in enumerate(recalls)}
        worst, best = min(recalls), max(recalls)
        apart = {"recall_gap": best - worst, "worst_recall": worst, "recall_ratio": worst / best}
        return {"macro_f1": float(f1.mean()), **apart, **named}


def release(case: Case, random: np.random.Generator) -> tuple[Columns, list[bytes]]:
    """Predictions of one made-up release, and each image's person."""
    k, n = len(case.sizes), sum(case.sizes)
    truth = random.permutation(np.repeat(np.arange(k), case.sizes))
    person = np.repeat(np.arange(n), random.integers(1, 4, n))[:n] if case.persons else np.arange(n)
    shared = CORRELATION if case.persons else 0.0
    latent = np.sqrt(shared) * random.standard_normal(n)[person] + np.sqrt(1 - shared) * random.standard_normal(n)
    bars = np.array([NormalDist().inv_cdf(value) for value in RECALLS[case.recalls]])
    other = (truth + random.integers(1, k, n)) % k
    wrong = np.where(random.random(n) < NOTHING, k, other)
    best = np.where(latent < bars[truth], truth, wrong)
    keys = tuple(number.to_bytes(4, "big") for number in range(n))
    none = np.zeros(0, np.int64)
    score = np.where(best < k, 900_000, -1)
    marks = np.zeros((10, 0), bool)
    columns = Columns(keys, np.zeros(n, np.int64), truth, np.ones(n, np.int64), best, score,
                      np.zeros((n, k), np.int64), none, none, none, marks)  # fmt: skip
    return columns, [int(one).to_bytes(4, "big") for one in person]


def published(columns: Columns, names: list[bytes], rounds: int, seed: int) -> dict[str, Metric]:
    """What an evaluation says of them."""
    counts = metrics.confusion_of(columns, 0)
    groups, everyone = group_indices(names)
    right = columns.predicted(0) == columns.truth
    rates = class_rates(columns.truth, right, groups)
    found = {f"recall {label}": _metric(rate[0], share_interval(*rate)) for label, rate in enumerate(rates)}
    f1 = metrics.macro_f1(counts) or Fraction(0)
    drawn = of_confusion(columns, names, threshold=0, rounds=rounds, seed=seed)
    found["macro_f1"] = _metric(f1, bounds(drawn["macro_f1"], everyone, f1))
    worst, best = min(rates)[0], max(rates)[0]
    found["worst_recall"] = _metric(worst, worst_interval(rates))
    found["recall_ratio"] = _metric(worst / best, ratio_interval([rates]))
    found["recall_gap"] = _metric(metrics.recall_gap(counts, 1) or Fraction(0), gap_interval([rates], rounds, seed))
    return found


def _metric(value: Fraction, interval: tuple[str, str] | None) -> Metric:
    low, high = interval or (None, None)
    return Metric(metric="macro_f1", value=six(value), low=low, high=high, n=0)


def tally(work: tuple[Case, int, int, int]) -> dict[str, np.ndarray]:
    """By figure: holds, above, below, width, false claims at least (each of BEYOND), at most (each), releases."""
    case, first, count, rounds = work
    truths = {name: Decimal(f"{value:.9f}") for name, value in case.truths().items()}
    found: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(5 + 2 * len(BEYOND)))
    for number in range(first, first + count):
        random = np.random.Generator(np.random.PCG64([number, cases().index(case)]))
        for name, metric in published(*release(case, random), rounds, number).items():
            low, high, truth = Decimal(metric.low or 0), Decimal(metric.high or 1), truths[name]
            wrong = [*_false(metric, truth, ">="), *_false(metric, truth, "<=")]
            row = [low <= truth <= high, low > truth, high < truth, float(high - low), *wrong, 1]
            kind, _, label = name.partition(" ")
            found[kind] += row
            if label:
                found[f"{kind} {case.sizes[int(label)]:3} at {RECALLS[case.recalls][int(label)]:.2f}"] += row
    return dict(found)


def _false(metric: Metric, truth: Decimal, comparator: str) -> Iterator[bool]:
    """Whether each claim just beyond the truth is called supported."""
    for apart in BEYOND:
        threshold = truth + apart if comparator == ">=" else truth - apart
        if not 0 <= threshold <= 1:
            yield False
            continue
        claim = Claim(metric="macro_f1", comparator=comparator, threshold=f"{threshold:.6f}")
        yield judge(claim, metric).verdict == "supported"


def cases() -> list[Case]:
    """All of them."""
    return [
        Case(images, shape, persons, recalls)
        for images, shapes in SIZES.items()
        for shape, persons, recalls in product(shapes, (False, True), RECALLS)
    ]


def line(name: str, kind: str, sums: np.ndarray) -> str:
    """One row of the table, in per cent but for the width."""
    count = sums[-1]
    share = 100 * sums / count
    width, claims = sums[3] / count, " ".join(f"{value:5.1f}" for value in share[4:-1])
    return f"{name:34} {kind:18} {share[0]:6.1f} {share[1]:6.1f} {share[2]:6.1f}  {width:6.3f}  {claims}"


def main(arguments: list[str]) -> None:
    """The table, a case at a time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2)
    wanted = parser.parse_args(arguments)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a process a core already
    heads = f"{'holds':>6} {'above':>6} {'below':>6}  {'width':>6}"
    print(f"{'':34} {'':18} {heads}  false >= +1e-6 .01 .02, <= -1e-6 .01 .02")
    begin, outside = time.monotonic(), 0
    with multiprocessing.get_context("spawn").Pool(wanted.workers) as pool:
        for case in cases():
            work = [
                (case, first, min(CHUNK, wanted.releases - first), wanted.rounds)
                for first in range(0, wanted.releases, CHUNK)
            ]
            sums: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(5 + 2 * len(BEYOND)))
            for part in pool.imap_unordered(tally, work):
                for kind, values in part.items():
                    sums[kind] += values
            name = f"{case.images} {case.shape}{', persons' if case.persons else ''}, {case.recalls}"
            for kind in WANTED:
                outside += min(case.sizes) >= 30 and not 93 <= 100 * sums[kind][0] / sums[kind][-1] <= 97
            for kind in sorted(sums):
                print(line(name, kind, sums[kind]), flush=True)
    rows = len(WANTED) * sum(min(case.sizes) >= 30 for case in cases())
    print(f"outside 93 to 97 %: {outside} of {rows} rows of cases whose classes all have 30 images or more")
    print(f"{wanted.releases} releases a case, {wanted.rounds} rounds, {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
