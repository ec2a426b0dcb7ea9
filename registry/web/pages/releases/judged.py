"""The judgements of a release, one an image and repeat, and those among them that somebody asks for.

Invariants: an image's prediction is what the evaluation counts, so a cell of the confusion matrix has exactly as many
judgements as it says. The order follows from the records alone, so a place in it never moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.remembered import Remembered
from registry.core.run_view import ReleaseView
from registry.core.table import tables
from registry.core.unusable import refuse_unusable
from registry.evaluation.input.columns import Bools, Columns, Ints
from registry.evaluation.input.reading import columns_of
from registry.provenance.release_view import threshold_of

QUICK = 100_000  # images of a release whose judgements are read within a second or two
HELD = 4  # releases whose judgements are kept in memory: a million take 60 MB
ORDERS = ("image", "sure", "unsure")  # by sha256; the most, or the least, confident first
MILLION = 1_000_000


@dataclass(frozen=True)
class Judgements:
    """n judgements in the order of their images and folds; class k of ``truth`` and ``called`` stands for nothing."""

    classes: tuple[str, ...]
    keys: tuple[bytes, ...]  # sha256
    fold: Ints
    truth: Ints
    called: Ints
    score: Ints  # in millionths, of the best detection; -1 where there is none

    @property
    def right(self) -> Bools:
        """Which are right."""
        return cast(Bools, self.truth == self.called)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for: names of classes (``nothing_of`` for none), right or wrong, a fold, a confidence from 0 to 1;
    None: any."""

    truth: str | None = None
    predicted: str | None = None
    right: bool | None = None
    fold: int | None = None
    low: float | None = None
    high: float | None = None
    order: str = "image"

    def query(self) -> dict[str, str]:
        """As an address has it."""
        said = {
            "truth": self.truth,
            "predicted": self.predicted,
            "right": None if self.right is None else ("yes" if self.right else "no"),
            "fold": None if self.fold is None else str(self.fold),
            "low": None if self.low is None else f"{self.low:g}",
            "high": None if self.high is None else f"{self.high:g}",
            "order": None if self.order == "image" else self.order,
        }
        return {name: value for name, value in said.items() if value is not None}


ASKED = tuple(Wanted.__dataclass_fields__)  # the names in an address


def wanted_of(query: Mapping[str, str]) -> Wanted:
    """What an address asks for. ``InvalidInput`` (``bad_filter``) for a fold or a confidence that is no number."""
    right = query.get("right", "")
    order = query.get("order", "image")
    return Wanted(
        truth=query.get("truth") or None,
        predicted=query.get("predicted") or None,
        right={"yes": True, "no": False}.get(right),
        fold=_whole(query.get("fold")),
        low=_share(query.get("low")),
        high=_share(query.get("high")),
        order=order if order in ORDERS else "image",
    )


def _whole(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise InvalidInput("a fold is a number from 0", code="bad_filter", hint="leave it empty for all folds.")
    return int(text)


def _share(text: str | None) -> float | None:
    if not text:
        return None
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise InvalidInput("a confidence lies between 0 and 1", code="bad_filter", hint="like 0.5; or leave it empty.")
    return found


def nothing_of(classes: Sequence[str]) -> str:
    """What no object, and no detection, is called in an address: as no class is."""
    word = "nothing"
    while word in classes:
        word += "*"
    return word


_judgements = Remembered[tuple[CID, CID], Judgements](HELD)


def is_quick(view: ReleaseView) -> bool:
    """Whether a page may read the judgements of a release on the way."""
    return view.snapshot.count <= QUICK or _key(view) in _judgements


def _key(view: ReleaseView) -> tuple[CID, CID]:
    return view.release.evaluation, view.preprocessing.snapshot


def judgements(get: Get, view: ReleaseView) -> Judgements:
    """All judgements of a release. ``InvalidInput`` for predictions that no honest run writes."""
    return _judgements.of(_key(view), lambda: _read(get, view))


def _read(get: Get, view: ReleaseView) -> Judgements:
    classes = view.snapshot.classes
    with refuse_unusable():
        columns = columns_of(tables.rows_as_dicts(view.evaluation.predictions, get), len(classes))
        called = columns.predicted(_thresholds(view, columns))
    return Judgements(classes, columns.keys, columns.fold, columns.truth, called, columns.best_score)


def _thresholds(view: ReleaseView, columns: Columns) -> Ints:
    found = {fold: threshold_of(view, fold) for fold in np.unique(columns.fold).tolist()}
    return np.array([found[fold] for fold in columns.fold.tolist()], np.int64)


def positions(found: Judgements, wanted: Wanted) -> Ints:
    """The places of what is asked for, in the order that is asked for."""
    mask = np.ones(len(found.keys), bool)
    for column, name in ((found.truth, wanted.truth), (found.called, wanted.predicted)):
        if name is not None:
            mask &= column == _class(found.classes, name)
    if wanted.right is not None:
        mask &= found.right == wanted.right
    if wanted.fold is not None:
        mask &= found.fold == wanted.fold
    if wanted.low is not None:
        mask &= found.score >= round(wanted.low * MILLION)
    if wanted.high is not None:
        mask &= found.score <= round(wanted.high * MILLION)
    chosen = np.flatnonzero(mask)
    if wanted.order == "image":
        return chosen
    sign = -1 if wanted.order == "sure" else 1
    return chosen[np.argsort(sign * found.score[chosen], kind="stable")]


def _class(classes: Sequence[str], name: str) -> int:
    """A class's index, k of nothing, -1 of what is no class: nothing is of it."""
    if name == nothing_of(classes):
        return len(classes)
    return classes.index(name) if name in classes else -1


def rows_of(get: Get, view: ReleaseView, keys: Sequence[tuple[bytes, int]]) -> list[dict[str, Any]]:
    """The rows of the predictions with these keys (image, fold), by their columns' names."""
    found = tables.find_all(view.evaluation.predictions, keys, get)
    return [dict(zip(records.PREDICTIONS.columns, row or (), strict=True)) for row in found]


def cleaned(get: Get, view: ReleaseView, images: Sequence[bytes]) -> list[dict[str, Any] | None]:
    """What cleaning says of images, by its columns' names; None where it says nothing."""
    found = tables.find_all(view.preprocessing.output, [(one,) for one in images], get)
    return [None if row is None else dict(zip(records.PREPARED.columns, row, strict=True)) for row in found]
