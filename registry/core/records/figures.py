"""The maps inside an Evaluation: claims and verdicts, and every kind of figure.

Invariants: figures are decimal strings of six places, None where they have no value; counts are integers; a figure's
name follows from its fields (``figure_names``).
"""

from __future__ import annotations

from typing import Any

import msgspec

from registry.core.records.base import Part
from registry.core.text import figure_names
from registry.core.text.figure_names import FigureName

REASONS = (  # why a figure has no value, or a claim no answer
    "no_images",  # no image is of its class, or in its group
    "no_negatives",  # every image is of its class: nothing could be wrong
    "no_calls",  # no image is called so
    "no_boxes",  # no image has a box of its class
    "no_background",  # every image is of a class
    "too_few",  # fewer images than the recipe's min_group
    "one_group",  # fewer than two groups, or classes, to compare
    "not_compared",  # the evaluation holds no figure of this name
    "inferred_attribute",  # of a claim alone, whose figure has a value: a program inferred what its groups go by
)


class Note(Part, frozen=True, kw_only=True):
    """Something that the figures do not say, as a code with values; ``registry.evaluation.sentences`` says it.

    ``values``: counts, texts, or lists of either; attributes, classes, groups and figures are written as in figures'
    names (``figure_names``), decimals as strings. Which code has which values: docs/metrics.md.
    """

    code: str  # see docs/metrics.md
    values: dict[str, int | str | tuple[int | str, ...]]


class Claim(Part, frozen=True, kw_only=True):
    """What the plan promises: ``metric comparator threshold``, proved as ``proof`` says.

    ``metric`` is a figure's name; ``comparator`` is ``>=`` or ``<=``; ``threshold`` a decimal string of six places;
    ``proof`` is ``interval``: the interval's worse bound must satisfy it.
    """

    metric: str  # name of a figure
    comparator: str  # ">=" or "<="
    threshold: str  # decimal, six places
    proof: str = "interval"


class Verdict(Part, frozen=True, kw_only=True):
    """A claim and what the evaluation says of it: ``supported``, ``refuted`` or ``undecided``.

    ``needed``: how many more images would decide it if the figure stayed as it is (None: decided, or never).
    ``reason``: why the figure has no value, or why it is no answer, one of ``REASONS``.
    """

    metric: str  # the claim's three parts
    comparator: str
    threshold: str
    value: str | None  # the figure's; None, with low and high, where it has none
    low: str | None
    high: str | None
    verdict: str  # supported, supported on seen images, refuted or undecided
    needed: int | None = None  # more images that would decide it; None: decided, or no number would
    reason: str | None = None  # why the figure has no value, or is no answer all the same; None otherwise


class Figure(Part, frozen=True, kw_only=True):
    """What a figure is of. ``of``: what is compared, ``("class",)`` or attributes; ``group``: attributes with their
    values; ``label`` (``class`` in a record): a class. All images, where nothing is said."""

    metric: str  # such as recall
    of: tuple[str, ...] = ()
    group: dict[str, str] = msgspec.field(default_factory=dict)
    label: str | None = msgspec.field(default=None, name="class")

    @property
    def name(self) -> str:
        """Its name; no other parts have it."""
        return figure_names.name_of(self.parts)

    @property
    def parts(self) -> FigureName:
        """The name's parts."""
        return FigureName(self.metric, self.of, tuple(sorted(self.group.items())), self.label)

    def document(self) -> dict[str, Any]:
        """As JSON: its parts beside its name."""
        names = zip(self.__struct_encode_fields__, self.__struct_fields__, strict=True)
        parts = {wire: getattr(self, field) for wire, field in names}
        return {"name": self.name, **parts, "of": list(self.of), "group": dict(sorted(self.group.items()))}


class Metric(Figure, frozen=True, kw_only=True):
    """One figure with its interval; None where not estimable, ``reason`` then says why, as in ``REASONS``.

    ``n`` counts the images it rests on.
    """

    value: str | None  # six places; None: not estimable
    low: str | None  # ends of the 95 % interval; both None where there is none
    high: str | None
    n: int  # images
    reason: str | None = None  # why there is no value; None where there is one


class GroupTest(Figure, frozen=True, kw_only=True):
    """A group's figure less that of all other images, its interval, p, and p corrected for the number of groups."""

    difference: str  # six places, as all of these
    low: str
    high: str
    p: str
    corrected: str  # p by Holm's rule
    n: int  # images of the group


class Optimistic(Figure, frozen=True, kw_only=True):
    """What a figure would be at the threshold that is best on the very images that it counts: no estimate of anything
    to come, shown beside the figure so that the difference is seen."""

    value: str
    threshold: str  # the best one, six places


class Spread(Figure, frozen=True, kw_only=True):
    """How far one figure lies apart over repeats of the folds; ``deviation`` is the sample's standard deviation."""

    mean: str  # six places, as all of these
    lowest: str
    highest: str
    deviation: str


class Overfitting(Part, frozen=True, kw_only=True):
    """A training's losses at its last and best epoch (``registry.evaluation.figures.overfitting``); None: not known."""

    name: str  # "fold N", "refit" or "mean" (over folds)
    epochs: int | None  # the last one; None of the mean
    best_epoch: int | None
    last_train: str | None  # six places, as all losses; None: not known
    last_val: str | None
    last_gap: str | None
    best_train: str | None
    best_val: str | None
    best_gap: str | None
