"""What the form that starts a run offers: recipes with their values, options, figures that a claim can be about.

Invariants: whatever is offered is accepted as it stands; attributes are those of a bounded number of images, so a rare
one may be missing from the offer, never from what may be typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.dag import Get
from registry.core.ports.method import Method
from registry.core.snapshots import checked_tables as snapshot_tables
from registry.core.text.figure_names import CLASSES, FigureName, name_of
from registry.core.text.flat import flat
from registry.evaluation.claims import OF_CLASS, OF_CLASSES, OF_ONE, PLAIN
from registry.jobs.capacity import on_gpu
from registry.web.base.words import Words
from registry.workflows.methods import names

SHORT = "quick"  # learns something in minutes on any machine
LOOKED_AT = 400  # images, for attributes and their values
MOST_VALUES = 20  # of one attribute
OF_ATTRIBUTE = ("recall_gap", "worst_recall", "equalized_odds_difference", "demographic_parity_difference")
_PLACES = {"folds": "folds.k", "repeats": "folds.repeats", "seed": "seed"}  # of options that every method has


@dataclass(frozen=True)
class OptionField:
    """A number that overrides the recipe's value; ``default``: that value, None if it has another name there."""

    name: str
    help: str
    low: int
    high: int
    default: str | None


@dataclass(frozen=True)
class Offer:
    """``values``: the chosen recipe's, flat; ``metrics``: names for claims with what they are called."""

    method: str
    methods: tuple[str, ...]
    recipe: str
    recipes: tuple[str, ...]
    options: tuple[OptionField, ...]
    values: tuple[tuple[str, str], ...]
    finals: tuple[str, ...]
    metrics: tuple[tuple[str, str], ...]


def offer(t: Words, method: Method, recipe: str | None, record: records.Snapshot, get: Get) -> Offer:
    """For a snapshot and a method; ``recipe`` is the method's own unless it is one of its, and without a GPU the one
    that takes minutes."""
    about, known = method.about(), method.recipes()
    usual = SHORT if SHORT in known and not on_gpu() else about.recipe
    chosen = recipe if recipe in known else usual
    _, values = method.recipe(str(chosen), {})
    shown = flat(values)
    options = tuple(
        OptionField(one.name, one.help, one.low, one.high, _default(one.name, shown)) for one in about.options
    )
    trainings = int(values["folds"]["k"]) * int(values["folds"]["repeats"])
    return Offer(
        method=method.id,
        methods=names(),
        recipe=str(chosen),
        recipes=known,
        options=options,
        values=tuple(sorted(shown.items())),
        finals=(*(f"fold:{number}" for number in range(trainings)), records.REFIT),
        metrics=tuple((name, t.figure(name)) for name in claimable(record, get)),
    )


def _default(option: str, values: Mapping[str, str]) -> str | None:
    if option in _PLACES:
        return values.get(_PLACES[option])
    found = [value for name, value in values.items() if name.rpartition(".")[2] == option]
    return found[0] if len(found) == 1 else None


def claimable(record: records.Snapshot, get: Get) -> list[str]:
    """Names of figures that a claim on this snapshot can be about, the commonest first."""
    found = sorted(PLAIN, key=lambda one: one != "macro_f1")
    found += [name_of(FigureName(metric, (CLASSES,))) for metric in OF_CLASSES]
    found += [name_of(FigureName(metric, label=name)) for metric in (*OF_ONE, *OF_CLASS) for name in record.classes]
    for attribute, values in attributes(record, get).items():
        found += [name_of(FigureName(metric, (attribute,))) for metric in OF_ATTRIBUTE]
        found += [name_of(FigureName("recall", group=((attribute, value),))) for value in sorted(values)[:MOST_VALUES]]
    return found


def attributes(record: records.Snapshot, get: Get) -> dict[str, set[str]]:
    """Attributes of the first images, each with its values; none of a snapshot that can't be read."""
    found: dict[str, set[str]] = {}
    try:
        rows: Iterable[Mapping[str, Any]] = islice(snapshot_tables.items_after(record, None, get), LOOKED_AT)
        for row in rows:
            for name, value in row["attributes"].items():
                found.setdefault(name, set()).add(value)
    except EmotionetError:
        return {}
    return dict(sorted(found.items()))
