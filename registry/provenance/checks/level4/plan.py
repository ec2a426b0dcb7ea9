"""Level 4's checks of the plan: that it asks for what is there, within bounds, and that the trainings kept to it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from registry.core.errors import InvalidInput, NotFound
from registry.core.records import REFIT
from registry.core.text.cleaning import counted
from registry.evaluation.claims import check_about, judge
from registry.evaluation.figures.figures import METRICS, is_known
from registry.provenance.checks.results import Check, Failed, NotChecked, equal, run
from registry.provenance.checks.target.subject import Subject
from registry.provenance.recipe_numbers import check_evaluation, drawn, fold_counts


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this module."""
    yield run("4.recipe", partial(recipe, subject))
    yield run("4.plan", partial(plan, subject))
    yield run("4.arguments", partial(arguments, subject))


def _release(subject: Subject) -> None:
    if not subject.is_release:
        raise NotChecked("only a release has a plan")


def recipe(subject: Subject) -> str:
    """4.recipe: rounds, confidence, folds, thresholds and the size of a group (``recipe_numbers.BOUNDS``)."""
    _release(subject)
    check_evaluation(subject.release.recipe)
    k, repeats = fold_counts(subject.release.recipe)
    return f"{counted(k, 'fold')}, {drawn(repeats)}"


def plan(subject: Subject) -> str:
    """4.plan: method, seed and final weights are those of its recipe; every attribute is a group; every figure is
    asked for; a claim is about one thing that is there."""
    _release(subject)
    view = subject.release
    items: list[Any] = list(subject.rows(view.snapshot.items))
    equal("method of the plan's recipe", view.recipe.method, view.plan.method.id)
    equal("seed", view.plan.seed, view.recipe.values.get("seed"))
    equal("groups", list(view.plan.groups), sorted({name for row in items for name in row["attributes"]}))
    if not is_known(view.plan.metrics):
        equal("metrics", list(view.plan.metrics), list(METRICS))
    k, repeats = fold_counts(view.recipe)
    if view.plan.final not in {REFIT, *(f"fold:{fold}" for fold in range(k * repeats))}:
        raise Failed(f"the plan names {view.plan.final[:40]!r} as final weights, which the recipe does not train")
    for claim in view.plan.claims:
        judge(claim, None)
    check_about(view.plan.claims, view.snapshot.classes, [row["attributes"] for row in items])
    return f"{counted(len(view.plan.groups), 'attribute')}, {counted(len(view.plan.claims), 'claim')}"


def arguments(subject: Subject) -> str:
    """4.arguments: by the method's own comparison, where it is installed here."""
    _release(subject)
    view = subject.release
    try:
        method = subject.method(view.plan.method.id)
    except NotFound as error:
        raise NotChecked(f"the method {view.plan.method.id[:60]!r} is not installed here") from error
    if not hasattr(method, "check_training"):
        raise NotChecked(f"the method {view.plan.method.id[:60]!r} has no check of its trainings")
    recipe = method.read_recipe(view.recipe.version, view.recipe.values)
    k, _ = fold_counts(view.recipe)
    for one in view.trainings:
        history: list[Any] = list(subject.rows(one.history))
        seed = view.plan.seed + (0 if one.fold is None else one.fold // k)
        try:
            method.check_training(
                recipe,
                version=view.recipe.version,
                seed=seed,
                arguments=one.arguments,
                events=one.events,
                epochs=[row["epoch"] for row in history],
                states=[row["epoch"] for row in history if row["state"] is not None],
                checkpoints=[kept.epoch for kept in one.checkpoints],
            )
        except InvalidInput as error:
            what = "the refit" if one.fold is None else f"fold {one.fold}"
            raise Failed(f"the training of {what}: {error}") from error
    said = f"{counted(len(view.trainings), 'training')}, checked by the installed {method.id} {method.version}"
    other = view.plan.method.version
    return said if other == method.version else f"{said}; the plan states version {other[:40]!r}"
