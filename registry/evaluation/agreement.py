"""How far people agree with each other on the labels that a model is judged by: the ceiling of what it can reach.

Of each image that at least two people labelled: how many of them gave its most frequent label. Of all of them:

* agreement: the mean over images of the share of pairs of people who gave the same label (Fleiss 1971, P-bar);
* kappa, agreement above chance: Cohen's (1960) where the same two people labelled every image, else Fleiss' (1971),
  whose P-bar and shares of labels need no equal number of people an image.

J. Cohen, A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20 (1960), 37-46.
J. L. Fleiss, Measuring nominal scale agreement among many raters, Psychological Bulletin 76 (1971), 378-382.

Invariants: pure and exact; decimals of six places. Kappa is None where chance alone agrees (one label everywhere).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from registry.evaluation.decimals import six

Votes = Mapping[Any, int]  # an image's labels, as classes by index, by who gave them


FEW = 10  # images, fewer than which say nothing of how far people agree


@dataclass(frozen=True)
class Agreement:
    """``images`` that several people labelled; ``patterns``: (labels, of them the most frequent one, images), most
    labels and greatest agreement first."""

    images: int
    people: int
    labels: int
    agreement: str
    kappa: str | None
    kind: str  # "cohen" or "fleiss"
    patterns: tuple[tuple[int, int, int], ...]

    @property
    def is_few(self) -> bool:
        """Whether they are too few images for a figure to mean anything."""
        return self.images < FEW


def agreement(votes: Iterable[Votes]) -> Agreement | None:
    """Of images by their votes; those that fewer than two people labelled are passed over. None where no image is
    left."""
    several = [one for one in votes if len(one) > 1]
    if not several:
        return None
    counts = [Counter(one.values()) for one in several]
    people = {person for one in several for person in one}
    observed = sum(map(_pairs, counts), Fraction(0)) / len(counts)
    two = len(people) == 2
    expected = _cohen(several, sorted(people, key=repr)) if two else _fleiss(counts)
    patterns = Counter((sum(one.values()), max(one.values())) for one in counts)
    return Agreement(
        images=len(several),
        people=len(people),
        labels=sum(map(len, several)),
        agreement=six(observed) or "",
        kappa=None if expected == 1 else six((observed - expected) / (1 - expected)),
        kind="cohen" if two else "fleiss",
        patterns=tuple((labels, most, images) for (labels, most), images in sorted(patterns.items(), reverse=True)),
    )


def _pairs(count: Counter[int]) -> Fraction:
    """The share of pairs of people who gave one image the same label."""
    n = sum(count.values())
    return Fraction(sum(one * (one - 1) for one in count.values()), n * (n - 1))


def _cohen(votes: Sequence[Votes], people: Sequence[Hashable]) -> Fraction:
    """Agreement expected of two people who label by chance, each by their own shares of labels."""
    one, other = (Counter(image[person] for image in votes) for person in people)
    return Fraction(sum(one[label] * other[label] for label in one), len(votes) ** 2)


def _fleiss(counts: Sequence[Counter[int]]) -> Fraction:
    """Agreement expected of people who label by chance, all by the shares of all labels."""
    whole: Counter[int] = Counter()
    for one in counts:
        whole += one
    return Fraction(sum(n * n for n in whole.values()), sum(whole.values()) ** 2)
