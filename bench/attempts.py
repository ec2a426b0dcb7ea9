"""`python -m bench attempts [--worlds N] [--images N]`: how often "supported" is wrong after several attempts, and how
often two runs of one plan differ.

A model calls each of ``--images`` images right with one probability. A latent normal decides: ``alike`` (0 to 1) is
its correlation between two trainings on the same image, so that what is hard stays hard. The claim on its accuracy is
judged by the functions that judge real releases.

First table: the true accuracy lies a millionth below the claim's number, so every "supported" is wrong. ``together``:
all attempts are made, then each is published with the final count, and one is supported. ``in turn``: each is published
as it comes, until one is supported. Second table (A/A): how often two runs of the same plan get different verdicts, by
how far the true accuracy lies above the number.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from registry.core.records import Claim, Metric
from registry.evaluation.claims import judge
from registry.evaluation.correction import corrected
from registry.evaluation.decimals import six
from registry.evaluation.intervals.intervals import share_interval

NUMBER = Fraction(9, 10)  # of the claim
HAIR = Fraction(1, 10**6)
ATTEMPTS = (1, 3, 10)
ALIKE = (0.0, 0.5, 0.9)
ABOVE = (Fraction(-3, 100), Fraction(0), Fraction(3, 100), Fraction(6, 100))
Ints = npt.NDArray[np.int64]


@cache
def verdict(right: int, images: int, correction: str, attempts: int) -> str:
    """On the claim that accuracy is at least ``NUMBER``, by a release that is among so many attempts."""
    low, high = share_interval(Fraction(right, images), Fraction(images))
    value = six(Fraction(right, images))
    claim = Claim(metric="accuracy", comparator=">=", threshold=six(NUMBER) or "")
    alone = judge(claim, Metric(metric="accuracy", value=value, low=low, high=high, n=images))
    return corrected([alone], correction, attempts, {"accuracy": images})[0].verdict


def drawn(worlds: int, runs: int, images: int, accuracy: Fraction, alike: float, seed: int = 1) -> Ints:
    """(worlds, runs): how many images each run calls right."""
    random = np.random.default_rng(seed)
    limit = NormalDist().inv_cdf(float(accuracy))
    found = np.empty((worlds, runs), np.int64)
    for world in range(worlds):
        of_image = random.standard_normal(images) * np.sqrt(alike)
        of_run = random.standard_normal((runs, images)) * np.sqrt(1 - alike)
        found[world] = (of_image + of_run <= limit).sum(axis=1)
    return found


def wrong(right: Ints, images: int, correction: str, *, in_turn: bool) -> float:
    """In which share of worlds one of the attempts is supported. ``in_turn``: each with the count at its time."""
    count = right.shape[1]
    supported = [
        any(
            verdict(int(one), images, correction, at + 1 if in_turn else count) == "supported"
            for at, one in enumerate(runs)
        )
        for runs in right
    ]
    return sum(supported) / len(supported)


def differing(right: Ints, images: int) -> float:
    """In which share of worlds the first two runs, each a first attempt, get different verdicts."""
    pairs = [[verdict(int(one), images, "holm", 1) for one in runs[:2]] for runs in right]
    return sum(one != other for one, other in pairs) / len(pairs)


def wrong_lines(worlds: int, images: int) -> list[str]:
    """The first table, in Markdown."""
    lines = [
        "| alike | attempts | not corrected | corrected, together | corrected, in turn |",
        "|---|---|---|---|---|",
    ]
    for alike in ALIKE:
        right = drawn(worlds, max(ATTEMPTS), images, NUMBER - HAIR, alike)
        for attempts in ATTEMPTS:
            own = right[:, :attempts]
            shares = (
                wrong(own, images, "none", in_turn=False),
                wrong(own, images, "holm", in_turn=False),
                wrong(own, images, "holm", in_turn=True),
            )
            lines.append(f"| {alike} | {attempts} | " + " | ".join(f"{100 * one:.1f} %" for one in shares) + " |")
    return lines


def differing_lines(worlds: int, images: int) -> list[str]:
    """The second table, in Markdown."""
    lines = [
        "| alike | " + " | ".join(f"{float(100 * one):+.0f} points" for one in ABOVE) + " |",
        "|---|" + "---|" * len(ABOVE),
    ]
    for alike in ALIKE:
        shares = [differing(drawn(worlds, 2, images, NUMBER + above, alike, seed=2), images) for above in ABOVE]
        lines.append(f"| {alike} | " + " | ".join(f"{100 * one:.1f} %" for one in shares) + " |")
    return lines


def main(given: list[str]) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m bench attempts")
    parser.add_argument("--worlds", type=int, default=20_000)
    parser.add_argument("--images", type=int, default=200)
    asked = parser.parse_args(given)
    print(
        f'"supported" although accuracy lies just below {float(NUMBER)}: {asked.images} images, {asked.worlds} worlds'
    )
    print("\n".join(wrong_lines(asked.worlds, asked.images)))
    print("\ntwo runs of one plan with different verdicts, by how far accuracy lies above the number")
    print("\n".join(differing_lines(asked.worlds, asked.images)))
