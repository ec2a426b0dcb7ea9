"""Compare two releases on the images that both judged: figures, significance, and what was changed between them.

Invariant: all of it follows from records, so it is computed once for two releases; that their records are held, and may
be read, is asked each time.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import numpy as np

from registry.core import records
from registry.core.draw import union_groups
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.remembered import Remembered
from registry.core.run_view import ReleaseView, release_view
from registry.core.table import tables
from registry.core.text.claim_text import claim_text
from registry.core.text.flat import flat
from registry.core.unusable import refuse_unusable
from registry.evaluation.comparison import Difference, Discordance, compare
from registry.evaluation.input.columns import Columns, Ints, take
from registry.evaluation.input.reading import columns_of
from registry.provenance.recipe_numbers import recipe_count
from registry.provenance.release_view import threshold_of
from registry.workflows.parts import Parts
from registry.workflows.store.read_content import read_as

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_found = Remembered[tuple[CID, CID], dict[str, Any]](32)


@refuse_unusable()
def compare_releases(parts: Parts, a: CID, b: CID) -> dict[str, Any]:
    """The document of `emotionet release compare A B --json`. ``InvalidInput`` where nothing can be compared."""
    views = [release_view(parts.store.get, read_as(parts, records.Release, cid)) for cid in (a, b)]
    return {"a": str(a), "b": str(b), **_found.of((a, b), lambda: _compared(parts, views))}


def _compared(parts: Parts, views: list[ReleaseView]) -> dict[str, Any]:
    """All but the releases' names."""
    classes = views[0].snapshot.classes
    if classes != views[1].snapshot.classes:
        raise InvalidInput(
            "the releases have different classes, or the same in a different order",
            hint="compare releases of snapshots with the same classes.",
        )
    columns = [_columns(parts, view, len(classes)) for view in views]
    both, relabeled = _common(*columns)
    if not any(both[0]):
        raise InvalidInput(
            "the releases have no judged image with the same label in common",
            hint="compare releases of overlapping snapshots.",
        )
    a_columns, b_columns = take(columns[0], both[0]), take(columns[1], both[1])
    found = compare(
        a_columns,
        b_columns,
        classes=classes,
        thresholds=(_thresholds(views[0], a_columns), _thresholds(views[1], b_columns)),
        clusters=_clusters(parts, views),
        rounds=recipe_count(views[0].recipe, "evaluation", "rounds"),
        seed=views[0].plan.seed,
    )
    return {
        "images": found.n,
        "groups": found.groups,
        "only_a": len(columns[0]) - found.n - relabeled,
        "only_b": len(columns[1]) - found.n - relabeled,
        "relabeled": relabeled,
        "changed": _changed(parts, *views),
        "differences": [_document(one) for one in found.differences],
        "tests": [_document(one) for one in found.tests],
    }


def _document(one: Difference | Discordance) -> dict[str, Any]:
    """As JSON: a class is called so there."""
    return {"class" if name == "label" else name: value for name, value in asdict(one).items()}


def _columns(parts: Parts, view: ReleaseView, classes: int) -> Columns:
    """Of repeated folds the first: images are paired one to one."""
    k = recipe_count(view.recipe, "folds", "k")
    rows = tables.rows_as_dicts(view.evaluation.predictions, parts.store.get)
    return columns_of((row for row in rows if row["fold"] < k), classes)


def _thresholds(view: ReleaseView, columns: Columns) -> Ints:
    """Each image's: of the fold that judged it."""
    by_fold = {fold: threshold_of(view, fold) for fold in np.unique(columns.fold).tolist()}
    return np.array([by_fold[fold] for fold in columns.fold.tolist()], np.int64)


def _common(a: Columns, b: Columns) -> tuple[tuple[Any, Any], int]:
    """Masks of the images that both judged under the same label, and how many had another one."""
    truths = [dict(zip(columns.keys, columns.truth.tolist(), strict=True)) for columns in (a, b)]
    shared = truths[0].keys() & truths[1].keys()
    equal = {key for key in shared if truths[0][key] == truths[1][key]}
    masks = tuple(np.array([key in equal for key in columns.keys], bool) for columns in (a, b))
    return (masks[0], masks[1]), len(shared) - len(equal)


def _clusters(parts: Parts, views: list[ReleaseView]) -> dict[bytes, bytes]:
    """Images that either release holds together are drawn together."""
    pairs, members = [], set()
    for view in views:
        for row in tables.rows_as_dicts(view.preprocessing.output, parts.store.get):
            members |= {row["sha256"], row["group"]}
            pairs.append((row["sha256"], row["group"]))
    return union_groups(pairs, sorted(members))


def _changed(parts: Parts, a: ReleaseView, b: ReleaseView) -> list[dict[str, Any]]:
    """What differs between the plans, by name, with both values."""
    environments = [
        records.parse_as(records.Environment, parts.store.get(view.plan.environment)).values for view in (a, b)
    ]
    sides = [
        {
            "snapshot": f"{view.preprocessing.snapshot} ({view.snapshot.count} images)",
            "method": f"{view.plan.method.id} {view.plan.method.version}",
            "claims": ", ".join(map(claim_text, view.plan.claims)) or None,
            "code": view.plan.code,
            "base": str(view.plan.base) if view.plan.base else None,
            "seed": str(view.plan.seed),
            "final weights": view.plan.final,
            **{f"recipe.{name}": value for name, value in flat(view.recipe.values).items()},
            **{f"environment.{name}": value for name, value in environment.items()},
        }
        for view, environment in zip((a, b), environments, strict=True)
    ]
    names = sorted(sides[0].keys() | sides[1].keys())
    return [
        {"what": name, "a": sides[0].get(name), "b": sides[1].get(name)}
        for name in names
        if not _equal(sides[0].get(name), sides[1].get(name))
    ]


def _equal(a: str | None, b: str | None) -> bool:
    """Whether two values are one: a number may be written in two ways (0.10 and 0.100000)."""
    if a is None or b is None or not (_NUMBER.fullmatch(a) and _NUMBER.fullmatch(b)):
        return a == b
    return Decimal(a) == Decimal(b)
