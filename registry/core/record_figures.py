"""The maps inside an Evaluation: claims and verdicts, and every kind of figure.

Invariant: figures are decimal strings of six places, None where there is none to be had; counts are integers.
"""

from __future__ import annotations

from registry.core.record_base import Part


class Claim(Part, frozen=True, kw_only=True):
    """What the plan promises: ``metric comparator threshold``, proved as ``proof`` says.

    ``comparator`` is ``>=`` or ``<=``; ``threshold`` a decimal string of six places; ``proof`` is
    ``interval``: the interval's worse bound must satisfy it.
    """

    metric: str
    comparator: str
    threshold: str
    proof: str = "interval"


class Verdict(Part, frozen=True, kw_only=True):
    """A claim and what the evaluation says of it: ``supported``, ``refuted`` or ``undecided``.

    ``needed``: how many more images would decide it if the figure stayed as it is (None: decided, or never).
    """

    metric: str
    comparator: str
    threshold: str
    value: str | None
    low: str | None
    high: str | None
    verdict: str
    needed: int | None = None


class Metric(Part, frozen=True, kw_only=True):
    """One figure with its interval; None where not estimable. ``n`` counts the images it rests on."""

    name: str
    value: str | None
    low: str | None
    high: str | None
    n: int


class GroupTest(Part, frozen=True, kw_only=True):
    """A group's figure less that of all other images, its interval, p, and p corrected for the number of groups."""

    name: str
    difference: str
    low: str
    high: str
    p: str
    corrected: str
    n: int  # images of the group


class Optimistic(Part, frozen=True, kw_only=True):
    """What a figure would be at the threshold that is best on the very images that it counts: no estimate of anything
    to come, shown beside the figure so that the difference is seen."""

    name: str
    value: str
    threshold: str


class Spread(Part, frozen=True, kw_only=True):
    """How far one figure lies apart over repeats of the folds; ``deviation`` is the sample's standard deviation."""

    name: str
    mean: str
    lowest: str
    highest: str
    deviation: str


class Overfitting(Part, frozen=True, kw_only=True):
    """A training's losses at its last and its best epoch (see ``registry.evaluation.overfitting``); None: not known."""

    name: str  # "fold N", "refit" or "mean" (over folds)
    epochs: int | None
    best_epoch: int | None
    last_train: str | None
    last_val: str | None
    last_gap: str | None
    best_train: str | None
    best_val: str | None
    best_gap: str | None
