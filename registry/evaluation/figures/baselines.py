"""What a model that looks at no picture would reach, beside the figures of one that does.

Two of them: *majority* gives every image the most frequent class; *chance* gives each image a class by throwing a
fair die. Of chance the expected counts stand in for the counts: F1 of class c is 2 n(c) / (N + K n(c)), with n(c) of N
images of the class and K classes. The average precision of either is a class's share of the images, so ``pr_auc`` is
the mean share. Boxes have no such baseline.

Invariants: pure and exact, decimals of six places; None where there is no image.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from registry.evaluation.decimals import six


class Baselines(NamedTuple):
    """By figure: ``accuracy``, ``macro_f1``, ``pr_auc``."""

    majority: dict[str, str]
    chance: dict[str, str]


def baselines(confusion: Sequence[Sequence[int]], classes: int) -> Baselines | None:
    """From a confusion matrix (truth by prediction; one row more than classes: pictures without an object)."""
    truths = [sum(row) for row in confusion]
    images = sum(truths)
    if not images or not classes:
        return None
    counts, most = truths[:classes], max(truths[:classes])
    shares = Fraction(sum(counts), images)
    area = shares / classes
    return Baselines(
        majority=_six(Fraction(most, images), Fraction(2 * most, images + most) / classes, area),
        chance=_six(area, sum((Fraction(2 * n, images + classes * n) for n in counts), Fraction(0)) / classes, area),
    )


def _six(accuracy: Fraction, macro_f1: Fraction, pr_auc: Fraction) -> dict[str, str]:
    values = {"accuracy": accuracy, "macro_f1": macro_f1, "pr_auc": pr_auc}
    return {name: six(value) or "" for name, value in values.items()}
