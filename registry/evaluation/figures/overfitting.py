"""Overfitting, from the trainings' published histories: the last epoch beside the best, training beside validation.

Invariants: exact on what is stated: a history's losses are floats that the training itself wrote as decimals of six
places, so that these figures are as true as the training's word, while all others follow from predictions. An epoch's
loss is the sum of the values that the plan's method names as its losses; an epoch that has none of them, or states one
that is no such decimal (a loss that was no number), has no loss. The best epoch is the one of the smallest
validation loss, ties: the earliest. A gap is validation less training in one epoch; training losses are of augmented
images and of weights that changed during the epoch, so a gap can be negative without meaning anything.

Nothing is chosen by these figures: the weights that are published are those of the last epoch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from registry.core.errors import InvalidInput
from registry.core.records import REFIT, LossNames, Overfitting
from registry.evaluation.decimals import six, six_ratio
from registry.evaluation.figures.curves import Points, thinned

MILLION = 1_000_000
MAX_EPOCH = 1_000_000
MEAN = "mean"
_LOSS = re.compile(r"-?[0-9]{1,12}\.[0-9]{6}")
_FIGURES = ("last_train", "last_val", "last_gap", "best_train", "best_val", "best_gap")


@dataclass(frozen=True)
class History:
    """One training's losses by epoch, in millionths; ``fold`` is None for a refit."""

    fold: int | None
    epochs: tuple[int, ...]
    train: Mapping[int, int]
    val: Mapping[int, int]

    @property
    def name(self) -> str:
        """As figures and curves name it."""
        return REFIT if self.fold is None else f"fold {self.fold}"


def history_of(fold: int | None, rows: Sequence[Mapping[str, Any]], losses: LossNames) -> History:
    """A HISTORY table's rows. ``InvalidInput`` (``bad_history``) for what no training writes."""
    train: dict[int, int] = {}
    val: dict[int, int] = {}
    for row in rows:
        epoch, values = row["epoch"], row["values"]
        if type(epoch) is not int or not 0 <= epoch <= MAX_EPOCH or not isinstance(values, Mapping):
            raise InvalidInput(f"a history has no epoch {epoch!r} with values by name", code="bad_history")
        for found, names in ((train, losses.training), (val, losses.validation)):
            loss = _sum([values[name] for name in names if name in values])
            if loss is not None:
                found[epoch] = loss
    return History(fold, tuple(sorted(row["epoch"] for row in rows)), train, val)


def _sum(values: Sequence[object]) -> int | None:
    """The sum of losses in millionths; None without any, or where one is no decimal of six places."""
    if not values or not all(isinstance(value, str) and _LOSS.fullmatch(value) for value in values):
        return None
    return sum(int(str(value).replace(".", "")) for value in values)


def overfitting(histories: Sequence[History]) -> tuple[Overfitting, ...]:
    """One of each training, folds first; then the mean over folds, of those that have the figure."""
    ordered = _ordered(histories)
    found = [_of_one(history) for history in ordered]
    of_folds = [one for one, history in zip(found, ordered, strict=True) if history.fold is not None]
    if not of_folds:
        return tuple(found)
    means = {
        name: _mean([int(value.replace(".", "")) for one in of_folds if (value := getattr(one, name)) is not None])
        for name in _FIGURES
    }
    return (*found, Overfitting(name=MEAN, epochs=None, best_epoch=None, **means))


def _ordered(histories: Sequence[History]) -> list[History]:
    return sorted(histories, key=lambda one: (one.fold is None, one.fold or 0))


def _mean(values: Sequence[int]) -> str | None:
    return six(Fraction(sum(values), MILLION * len(values))) if values else None


def _of_one(history: History) -> Overfitting:
    last = history.epochs[-1] if history.epochs else None
    best = min(history.val, key=lambda epoch: (history.val[epoch], epoch), default=None)
    figures = {}
    for when, epoch in (("last", last), ("best", best)):
        train = history.train.get(epoch) if epoch is not None else None
        val = history.val.get(epoch) if epoch is not None else None
        gap = val - train if val is not None and train is not None else None
        for what, value in (("train", train), ("val", val), ("gap", gap)):
            figures[f"{when}_{what}"] = None if value is None else six_ratio(value, MILLION)
    return Overfitting(name=history.name, epochs=last, best_epoch=best, **figures)


def loss_curves(histories: Sequence[History]) -> dict[str, Points]:
    """``train_loss``, ``val_loss`` and ``loss_gap`` of each training, x the epoch; none where nothing is known."""
    found: dict[str, Points] = {}
    for history in _ordered(histories):
        gaps = {epoch: loss - history.train[epoch] for epoch, loss in history.val.items() if epoch in history.train}
        for kind, losses in (("train_loss", history.train), ("val_loss", history.val), ("loss_gap", gaps)):
            epochs = sorted(losses)
            points = [
                [six_ratio(epochs[place], 1), six_ratio(losses[epochs[place]], MILLION)]
                for place in thinned(len(epochs))
            ]
            if points:
                found[f"{kind}({history.name})"] = points
    return found
