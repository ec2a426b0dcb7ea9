"""The evaluation settings of a recipe, each within bounds; evaluations and audits read them here.

Invariants: a number outside its bounds is never used. With fewer than 1,000 rounds an interval's ends depend on chance,
and an issuer could try seeds until one is narrow. A large ``min_group`` would hide groups. More folds or rounds would
only cost an auditor time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from registry.core import records
from registry.core.errors import InvalidInput
from registry.evaluation.figures.thresholds import ThresholdRule

MAX_TRAININGS = 100  # folds of all repeats together
BOUNDS = {
    ("folds", "k"): (2, MAX_TRAININGS),
    ("folds", "repeats"): (1, MAX_TRAININGS),
    ("evaluation", "rounds"): (1000, 2000),
    ("evaluation", "min_group"): (1, 1000),
}
CONFIDENCE = "0.95"
_SHARE = re.compile(r"0(\.[0-9]{1,6})?|1(\.0{1,6})?")


def _refused(section: str, name: str, wanted: str) -> InvalidInput:
    return InvalidInput(
        f"the recipe's {section}.{name} is not {wanted}", code="bad_recipe", hint=f"write {section}.{name} as {wanted}."
    )


def recipe_value(recipe: records.Recipe, section: str, name: str) -> object:
    """What a recipe says; ``InvalidInput`` (``bad_recipe``) where a stranger's says nothing."""
    values = recipe.values.get(section)
    if not isinstance(values, Mapping) or name not in values:
        raise InvalidInput(f"the recipe has no {section}.{name}", code="bad_recipe")
    return values[name]


def recipe_count(recipe: records.Recipe, section: str, name: str) -> int:
    """A number of ``BOUNDS`` within them; ``InvalidInput`` (``bad_recipe``) for anything else."""
    value, (least, most) = recipe_value(recipe, section, name), BOUNDS[section, name]
    if type(value) is not int or not least <= value <= most:
        raise _refused(section, name, f"a number from {least} to {most}")
    return value


def recipe_share(recipe: records.Recipe, section: str, name: str) -> int:
    """A decimal string from 0 to 1 of a recipe, in millionths; ``InvalidInput`` (``bad_recipe``) for anything else."""
    value = recipe_value(recipe, section, name)
    if not isinstance(value, str) or not _SHARE.fullmatch(value):
        raise _refused(section, name, "a decimal from 0 to 1, in quotes")
    return int(Decimal(value) * 1_000_000)


def drawn(repeats: int) -> str:
    """How often all images are divided into folds, in words."""
    return "drawn once" if repeats == 1 else f"drawn {repeats} times"


def fold_counts(recipe: records.Recipe) -> tuple[int, int]:
    """k and repeats. ``InvalidInput`` (``bad_recipe``) for more folds together than there may be."""
    k, repeats = recipe_count(recipe, "folds", "k"), recipe_count(recipe, "folds", "repeats")
    if k * repeats > MAX_TRAININGS:
        raise InvalidInput(
            f"the recipe's folds.k times folds.repeats is {k * repeats}, more than {MAX_TRAININGS}",
            code="bad_recipe",
            hint="use fewer folds, or repeat them less often.",
        )
    return k, repeats


def threshold_rule(recipe: records.Recipe) -> ThresholdRule:
    """How a recipe finds thresholds; ``InvalidInput`` (``bad_recipe``, ``bad_threshold``) where it does not say."""
    return ThresholdRule(
        name=str(recipe_value(recipe, "evaluation", "threshold_rule")),
        threshold=recipe_share(recipe, "evaluation", "threshold"),
        floor=recipe_share(recipe, "evaluation", "floor"),
        k=fold_counts(recipe)[0],
    )


def check_evaluation(recipe: records.Recipe) -> None:
    """Whether an evaluation could follow from this recipe. ``InvalidInput`` for what would only show at a run's end."""
    threshold_rule(recipe)
    for section, name in BOUNDS:
        recipe_count(recipe, section, name)
    if recipe_value(recipe, "evaluation", "confidence") != CONFIDENCE:
        raise _refused("evaluation", "confidence", f'"{CONFIDENCE}", which all intervals have')
