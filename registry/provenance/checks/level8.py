"""Level 8: a fold trained again, whole or its first epochs, compared with the published history.

Invariants: nothing is trained here (``target.rerun``). On the kind of processor and with the software that the training
states, every value of the history and every digest of the training's state must be equal, and of a whole training the
weights too. Elsewhere losses may lie apart as far as the method measured for so many epochs, and of a whole training
so many images may be said otherwise. Which fold it is follows from the sample's seed, unless the auditor names one; the
refit counts as the fold after the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from registry.core import records
from registry.core.errors import EmotionetError, NotFound, Unavailable
from registry.core.ports.method import Method, Tolerance
from registry.core.text.cleaning import counted
from registry.provenance.checks.apart import loss_limit, loss_of, relative, said_of
from registry.provenance.checks.level7 import HERE, Images, equipment, recipe_values, weights_files
from registry.provenance.checks.results import Check, Failed, NotChecked, run
from registry.provenance.checks.target.deep import Deep
from registry.provenance.checks.target.rerun import Rerun, Retrained, Retraining
from registry.provenance.checks.target.subject import Subject
from registry.provenance.release_view import threshold_of

_PIXELS = frozenset({"pixels_differ"})  # level 5 says whose fault it is


def checks(subject: Subject) -> Iterator[Check]:
    """One."""
    yield run("8.training", partial(training, subject))


def training(subject: Subject) -> str:
    """8.training."""
    deep, rerun, method = equipment(subject, "trainings")
    said = [_trained_again(subject, deep, rerun, method, one) for one in _chosen(subject, deep)]
    return "; ".join(said)


def name_of(fold: int | None) -> str:
    """A training in words."""
    return "the refit" if fold is None else f"fold {fold}"


def _chosen(subject: Subject, deep: Deep) -> list[records.Training]:
    """The trainings to make again: the one that is named, the sample's, or all."""
    found = sorted(subject.release.trainings, key=lambda one: (one.fold is None, one.fold or 0))
    if deep.fold is not None:
        if not 0 <= deep.fold < len(found):
            raise NotChecked(f"there is no fold {deep.fold}: the release has {counted(len(found), 'training')}")
        return [found[deep.fold]]
    drawn = deep.one_of(len(found))
    return found if drawn is None else [found[drawn]]


def _trained_again(subject: Subject, deep: Deep, rerun: Rerun, method: Method, published: records.Training) -> str:
    recipe = _tried_again(method, recipe_values(subject, method), published.events)
    plan, what = subject.release.plan, name_of(published.fold)
    cost = method.cost(recipe, len(subject.rows(subject.release.draw.folds)))
    epochs = cost.epochs if deep.epochs is None else min(deep.epochs, cost.epochs)
    deep.watch.say(
        f"level 8: {what} will be trained again for {counted(epochs, 'epoch')} of {cost.epochs}, with "
        f"{cost.memory >> 20} MiB of memory and {(cost.pixels + cost.checkpoint) >> 20} MiB of disk at most"
    )
    work = Retraining(
        draw=subject.release.release.draw,
        fold=published.fold,
        method=method.id,
        recipe=recipe,
        base=weights_files(subject, plan.base) if plan.base is not None else None,
        epochs=None if epochs == cost.epochs else epochs,
    )
    found = _run(rerun, subject, work)
    environment = records.parse_as(records.Environment, subject.get(plan.environment))
    same = method.same_bits(published.hardware, published.events, environment.values)
    comparison = Comparison(published, list(subject.rows(published.history)), method.about().tolerance, same)
    losses = subject.release.plan.method.losses
    said = comparison.histories(found, epochs, [losses.training, losses.validation])
    if work.epochs is None:
        said += comparison.whole(found, _stated(subject, published.fold), _threshold(subject, published.fold))
    return f"{what}: {said}"


def _tried_again(method: Method, recipe: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The values that a second try had. ``Failed`` where the recipe allows none."""
    for event in events:
        if event.get("event") == "second_try":
            again = method.second_try(recipe, str(event.get("after")))
            if again is None:
                raise Failed("it records a second attempt, which the recipe does not allow")
            recipe = again
    return recipe


def _run(rerun: Rerun, subject: Subject, work: Retraining) -> Retrained:
    try:
        return rerun.train(work, subject.get, Images(subject).read)
    except (NotFound, Unavailable):
        raise
    except EmotionetError as error:
        if error.code in HERE:
            raise NotChecked(f"it can't be trained here: {error}") from error
        if error.code in _PIXELS:
            raise NotChecked(f"its pixels can't be made again here: {error} (level 5 looks at pixels)") from error
        raise


def _stated(subject: Subject, fold: int | None) -> dict[bytes, Any]:
    rows: list[Any] = list(subject.rows(subject.release.evaluation.predictions))
    return {row["sha256"]: tuple((*one,) for one in row["detections"]) for row in rows if row["fold"] == fold}


def _threshold(subject: Subject, fold: int | None) -> int:
    return 0 if fold is None else threshold_of(subject.release, fold)


@dataclass(frozen=True)
class Comparison:
    """A published training beside the same one made again. ``same``: bits must be equal."""

    published: records.Training
    history: Sequence[Mapping[str, Any]]
    tolerance: Tolerance
    same: bool

    def histories(self, found: Retrained, epochs: int, losses: Sequence[Sequence[str]]) -> str:
        """What the first epochs show, in words. ``Failed``."""
        stated = list(self.history)[:epochs]
        again = list(found.history)[:epochs]
        if len(stated) != len(again):
            raise Failed(
                f"the history has {counted(len(stated), 'epoch')} where the training made again has {len(again)}"
            )
        if not again:
            raise NotChecked("no epoch was made again")
        differ = [
            row["epoch"]
            for row, (epoch, values, state) in zip(stated, again, strict=True)
            if (row["epoch"], dict(row["values"]), row["state"]) != (epoch, dict(values), state)
        ]
        states = sum(state is not None for _, _, state in again)
        if not differ:
            seen = (
                f"{counted(states, 'digest')} of the training's state among them"
                if states
                else "at the published precision; the recipe asks for no digest of these states"
            )
            return f"{counted(len(again), 'epoch')} equal to the bit, {seen}"
        if self.same:
            raise Failed(
                f"{name_of(self.published.fold)} trained again differs from its history from epoch {differ[0]} on, on "
                "the very kind of processor that it states"
            )
        return self._near(stated, again, losses)

    def _near(
        self,
        stated: Sequence[Mapping[str, Any]],
        again: Sequence[tuple[int, Mapping[str, str], str | None]],
        losses: Sequence[Sequence[str]],
    ) -> str:
        largest, compared = 0, 0
        for row, (epoch, values, _) in zip(stated, again, strict=True):
            limit = loss_limit(self.tolerance, epoch)
            for names in losses:
                one, other = loss_of(row["values"], names), loss_of(values, names)
                if one is None and other is None:
                    continue
                if one is None or other is None:
                    raise Failed(f"after epoch {epoch} only one of both histories has {', '.join(names)[:80]}")
                apart = int(relative(one, other))
                if apart > limit:
                    raise Failed(
                        f"after epoch {epoch} the losses lie {apart / 10_000:.2f} % apart: the history states {one}, "
                        f"training again gives {other}, and other processors give at most {limit / 10_000:.2f} %"
                    )
                largest, compared = max(largest, apart), compared + 1
        if not compared:
            raise NotChecked("the method names no losses, and its bits are others on this kind of processor")
        return (
            f"{counted(len(again), 'epoch')} within the tolerance for other kinds of processors, the losses at most "
            f"{largest / 10_000:.2f} % apart"
        )

    def whole(self, found: Retrained, stated: Mapping[bytes, Any], threshold: int) -> str:
        """What a training to its end shows. ``Failed``."""
        if found.tensors == self.published.tensors and dict(found.predictions) == dict(stated):
            return "; weights and predictions equal to the bit"
        if self.same:
            raise Failed(
                f"{name_of(self.published.fold)} trained again gives other weights or predictions, on the very kind of "
                "processor that it states"
            )
        if set(found.predictions) != set(stated):
            raise Failed("the training made again judged other images")
        changed = sum(
            said_of(stated[sha256], threshold) != said_of(one, threshold) for sha256, one in found.predictions.items()
        )
        most = -(-len(stated) * self.tolerance.changed // 100)
        if changed > most:
            raise Failed(
                f"the weights made again say otherwise of {changed} of {counted(len(stated), 'judged image')}, more "
                f"than the {most} that another kind of processor may change"
            )
        return f"; {changed} of {counted(len(stated), 'judged image')} said otherwise by the weights made again"
