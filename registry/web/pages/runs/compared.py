"""Several runs side by side: what was planned, what was cleaned away, what came of it; and what differs.

Invariants: values come from the runs' rows and, where a plan was signed and is held, from its records. What a run does
not have is None, which differs from every value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.catalog.queries.signed_records import snapshots
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.errors import EmotionetError, UsageError
from registry.core.ipld.cid import CID
from registry.core.text.flat import flat
from registry.web.base import figures
from registry.web.base.page import check_drawings
from registry.web.base.svg import Drawing
from registry.web.base.words import Words
from registry.web.pages.runs.run_page import HEADLINE, claims_of, run_evaluation
from registry.workflows.parts import Parts
from registry.workflows.releases.compare_releases import compare_releases
from registry.workflows.withdrawals.withdrawn import withdrawals_of

MOST = 10  # runs
PAIRED_IMAGES = 3000  # that two releases are compared on while a page waits
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One value of every run; ``section``: which part of the table it belongs to."""

    section: str
    name: str
    values: tuple[str | None, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs do not all have the same."""
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class Compared:
    """``heads`` are the runs' rows; ``figures`` a drawing a figure that any of them has; ``claims`` by run, with
    verdicts where there are any; ``withdrawn`` by run, what was taken back of its release or snapshot; ``paired`` the
    document of ``compare_releases`` of two released runs."""

    heads: tuple[Row, ...]
    lines: tuple[Line, ...]
    figures: tuple[Drawing, ...]
    claims: tuple[tuple[Row, ...], ...]
    withdrawn: tuple[tuple[Row, ...], ...]
    paired: Mapping[str, Any] | None
    paired_drawing: Drawing | None
    why_not: str | None


def compared(parts: Parts, t: Words, names: Sequence[str]) -> Compared:
    """``UsageError`` for less than two different runs or more than ``MOST``; ``NotFound`` for one that there is not."""
    chosen = list(dict.fromkeys(names))
    if not 2 <= len(chosen) <= MOST:
        raise UsageError(
            f"choose 2 to {MOST} runs to compare, not {len(chosen)}", hint="tick them in the list of runs."
        )
    with parts.catalog.read() as db:
        heads = [runs.row(db, name) for name in chosen]
        counts = {row["snapshot"]: (snapshots.find(db, CID.parse(row["snapshot"])) or {}).get("count") for row in heads}
    found = [run_evaluation(parts, row["evaluation"]) for row in heads]
    sides = [_side(parts, row, counts[row["snapshot"]]) for row in heads]
    places = list(dict.fromkeys(place for side in sides for place in side))
    order = {name: at for at, name in enumerate(("run", "data", "recipe", "environment"))}
    places.sort(key=lambda place: order[place[0]])
    lines = tuple(Line(*place, tuple(side.get(place) for side in sides)) for place in places)
    drawn = _figures(t, heads, found)
    document, why_not = _paired(parts, heads, counts)
    drawing = None if document is None else _differences(t, document)
    check_drawings((*drawn, *((drawing,) if drawing else ())))
    claims = tuple(tuple(claims_of(row, one["claims"])) for row, one in zip(heads, found, strict=True))
    back = tuple(tuple(withdrawals_of(parts, CID.parse(row["release"] or row["snapshot"]))) for row in heads)
    return Compared(tuple(heads), lines, drawn, claims, back, document, drawing, why_not)


def _side(parts: Parts, row: Row, count: int | None) -> dict[tuple[str, str], str]:
    """Everything that may differ, by section and name."""
    options = row["options"]
    found: dict[tuple[str, str], str] = {
        ("run", "status"): row["status"],
        ("run", "recipe"): row["recipe_name"],
        ("run", "method"): str(options.get("method")),
        ("run", "base"): str(options.get("base") or "–"),
        ("run", "final"): str(options.get("final")),
        ("run", "issuer"): str(row["issuer"]),
        ("data", "snapshot"): row["snapshot"],
    }
    if count is not None:
        found["data", "images"] = str(count)
    if row["kept"] is not None:
        found["data", "kept"] = str(row["kept"])
    found |= {("data", f"dropped.{name}"): str(number) for name, number in sorted((row["dropped"] or {}).items())}
    found |= {("recipe", name): value for name, value in sorted(flat(options.get("values", {})).items())}
    return found | _of_plan(parts, row["plan"])


def _of_plan(parts: Parts, cid: str | None) -> dict[tuple[str, str], str]:
    """Code and environment of a signed plan; nothing of one that is not held."""
    if cid is None:
        return {}
    try:
        plan = records.parse_as(records.Plan, parts.store.get(CID.parse(cid)))
        environment = records.parse_as(records.Environment, parts.store.get(plan.environment))
    except EmotionetError:
        return {}
    values = {("environment", name): value for name, value in sorted(environment.values.items())}
    return {("environment", "code"): plan.code, **values}


def _figures(t: Words, heads: Sequence[Row], found: Sequence[Row]) -> tuple[Drawing, ...]:
    """A drawing a figure, a line a run."""
    drawn = []
    for name in HEADLINE:
        known = [
            (row["id"], one["value"], one["low"], one["high"], one["n"])
            for row, evaluation in zip(heads, found, strict=True)
            if (one := (evaluation["metrics"] or {}).get(name)) is not None
        ]
        if known:
            drawn.append(figures.intervals(t, t.figure(name), known))
    return tuple(drawn)


def _paired(
    parts: Parts, heads: Sequence[Row], counts: Mapping[str, int | None]
) -> tuple[Mapping[str, Any] | None, str | None]:
    """Two released runs on the images that both judged; or why not, as a key of the words, or as an error says it."""
    if len(heads) != 2 or not all(row["release"] for row in heads):
        return None, "unreleased" if len(heads) == 2 else None
    if any((counts[row["snapshot"]] or 0) > PAIRED_IMAGES for row in heads):
        return None, "many"
    a, b = (CID.parse(row["release"]) for row in heads)
    try:
        return compare_releases(parts, a, b), None
    except EmotionetError as error:
        return None, str(error)


def _differences(t: Words, document: Mapping[str, Any]) -> Drawing:
    rows = [
        (t.figure(one["name"]), one["difference"], one["low"], one["high"], None) for one in document["differences"]
    ]
    return figures.intervals(t, t("compare.differences"), rows, lowest=-1)
