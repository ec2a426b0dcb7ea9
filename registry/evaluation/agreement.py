"""How far people agree with each other on the labels that a model is judged by: the ceiling of what it can reach.

Of each image that at least two people labelled: how many of them gave its most frequent label. Of all of them:

* agreement: the mean over images of the share of pairs of people who gave the same label;
* kappa, agreement above chance: Cohen's (1960) where the same two people labelled every image, Fleiss' (1971) where
  every image has the same number of labels, else none: neither is defined there;
* alpha, Krippendorff's, which is defined for any number of labels an image; also of each label against all others, and
  of the images of each labeller.

The coefficients are those of libraries: Krippendorff's of ``krippendorff`` (numpy alone, counts of all images at once),
Cohen's and Fleiss' of NLTK's ``AnnotationTask``, which the extra ``agreement`` brings; scikit-learn and statsmodels
have these two as well, and are ten times the size. NLTK's is plain Python, so kappa is of the first ``WORK`` pairs of
labels: images come by their digests, which is by chance, and ``kappa_of`` says of how many.

Invariants: pure; decimals of six places. A coefficient is None where chance alone agrees (one label everywhere), kappa
also where NLTK is not installed: no audit asks for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

import numpy as np

from registry.evaluation.decimals import six

Votes = Mapping[Any, int]  # an image's labels, as classes by index, by who gave them

FEW = 10  # images, fewer than which say nothing of how far people agree
WORK = 60_000  # pairs of labels of which a kappa is computed: some seconds
MOST = 50  # labels, and labellers, that are told apart


@dataclass(frozen=True)
class OfLabel:
    """One label against all others: ``images`` on which anybody gave it."""

    label: int
    images: int
    alpha: str | None


@dataclass(frozen=True)
class OfLabeller:
    """One labeller: ``images`` that others labelled too, the mean share of the others who gave the same label, and the
    alpha of all labels of these images."""

    labeller: Any
    images: int
    agreement: str
    alpha: str | None


@dataclass(frozen=True)
class Agreement:
    """``images`` that several people labelled; ``patterns``: (labels, of them the most frequent one, images), most
    labels and greatest agreement first."""

    images: int
    people: int
    labels: int
    agreement: str
    kappa: str | None
    kind: str  # of kappa: "cohen", "fleiss", or "none" where neither is defined
    kappa_of: int  # images
    alpha: str | None
    patterns: tuple[tuple[int, int, int], ...]
    by_label: tuple[OfLabel, ...]
    by_labeller: tuple[OfLabeller, ...]

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
    kind, some = _kind(several)
    patterns = Counter((sum(one.values()), max(one.values())) for one in counts)
    return Agreement(
        images=len(several),
        people=len({person for one in several for person in one}),
        labels=sum(map(len, several)),
        agreement=six(sum(map(pairs_alike, counts), Fraction(0)) / len(counts)) or "",
        kappa=_kappa(kind, some),
        kind=kind,
        kappa_of=len(some),
        alpha=_alpha(counts),
        patterns=tuple((labels, most, images) for (labels, most), images in sorted(patterns.items(), reverse=True)),
        by_label=_by_label(counts),
        by_labeller=_by_labeller(several),
    )


def pairs_alike(count: Mapping[Any, int]) -> Fraction:
    """The share of pairs of people who gave one image the same label, of at least two people."""
    n = sum(count.values())
    return Fraction(sum(one * (one - 1) for one in count.values()), n * (n - 1))


def _kind(several: Sequence[Votes]) -> tuple[str, Sequence[Votes]]:
    """Which kappa is defined, and the images of which it is computed."""
    sizes = {len(one) for one in several}
    if len(sizes) > 1:
        return "none", ()
    n = sizes.pop()
    some = several[: max(FEW, WORK // (n * (n - 1) // 2))]
    return ("cohen" if len({person for one in several for person in one}) == 2 else "fleiss"), some


def has_kappa() -> bool:
    """Whether this installation has what computes kappas (the extra ``agreement``)."""
    return find_spec("nltk") is not None


def _kappa(kind: str, some: Sequence[Votes]) -> str | None:
    if not has_kappa() or kind == "none" or len({label for one in some for label in one.values()}) < 2:
        return None
    from nltk.metrics.agreement import AnnotationTask  # a second, which a list of images does without

    place = {person: str(at) for at, person in enumerate(sorted({who for one in some for who in one}, key=repr))}
    named = kind == "cohen"  # of Fleiss' it does not matter who gave which label
    data = [
        (place[who] if named else str(slot), image, label)
        for image, one in enumerate(some)
        for slot, (who, label) in enumerate(sorted(one.items(), key=repr))
    ]
    task = AnnotationTask(data)
    found = task.kappa_pairwise(*sorted(place.values())) if named else task.pi()
    return f"{found:.6f}"


def _alpha(counts: Sequence[Mapping[int, int]]) -> str | None:
    labels = {label: at for at, label in enumerate(sorted({label for one in counts for label in one}))}
    if len(labels) < 2:
        return None
    table = np.zeros((len(counts), len(labels)), np.int64)
    for row, one in zip(table, counts, strict=True):
        for label, count in one.items():
            row[labels[label]] = count
    return _of_table(table)


def _of_table(table: np.ndarray[Any, np.dtype[np.int64]]) -> str | None:
    """Krippendorff's alpha of counts by image and label; None where all labels are alike."""
    if (table.sum(axis=0) > 0).sum() < 2:
        return None
    from krippendorff import alpha

    return f"{float(alpha(value_counts=table, level_of_measurement='nominal')):.6f}"


def _by_label(counts: Sequence[Mapping[int, int]]) -> tuple[OfLabel, ...]:
    of = Counter(label for one in counts for label in one)
    sizes = np.array([sum(one.values()) for one in counts], np.int64)
    found = []
    for label, images in sorted(of.most_common(MOST)):
        own = np.array([one.get(label, 0) for one in counts], np.int64)
        found.append(OfLabel(label, images, _of_table(np.stack([own, sizes - own], axis=1))))
    return tuple(found)


def _by_labeller(several: Sequence[Votes]) -> tuple[OfLabeller, ...]:
    of = Counter(person for one in several for person in one)
    found = []
    for person, images in sorted(of.most_common(MOST), key=repr):
        mine = [one for one in several if person in one]
        same = [Fraction(sum(label == one[person] for label in one.values()) - 1, len(one) - 1) for one in mine]
        alpha = _alpha([Counter(one.values()) for one in mine])
        found.append(OfLabeller(person, images, six(sum(same, Fraction(0)) / len(same)) or "", alpha))
    return tuple(found)
