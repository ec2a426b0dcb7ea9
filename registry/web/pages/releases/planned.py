"""What was planned beside what came of it; and the issuer's other plans with such a claim.

Invariant: a plan is an attempt whether or not anything came of it; how many there were when a release was published
stands in its own record, and what the catalog knows is told beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.core.run_view import ReleaseView
from registry.core.text.claim_text import claim_parts, claim_text, split_claim
from registry.workflows.parts import Parts
from registry.workflows.runs.list_plans import list_plans

MOST_PLANS = 200  # of an issuer, the newest, that are looked at
MOST_VALUES = 60  # of a recipe that are shown


@dataclass(frozen=True)
class Planned:
    """``claims``: (claim, verdict or None where the release says nothing of it); ``values`` of the recipe by
    name; ``metrics`` that were asked for, each with whether it came; ``folds``: planned and trained."""

    claims: tuple[tuple[dict[str, str], str | None], ...]
    metrics: tuple[tuple[str, bool], ...]
    groups: tuple[str, ...]
    values: tuple[tuple[str, str], ...]
    final: str
    published: bool  # whether weights of what the plan names as final are among the release's
    trainings: int
    seed: int


def planned(view: ReleaseView) -> Planned:
    """A plan against its release."""
    verdicts = {claim_text(one): one.verdict for one in view.release.claims}
    figures = (*view.evaluation.metrics, *view.evaluation.fairness)
    came = {name for one in figures for name in (one.metric, one.name)}
    values = _flat(view.recipe.values)
    folds = {"refit" if one.fold is None else f"fold:{one.fold}" for one in view.release.weights}
    return Planned(
        claims=tuple((claim_parts(one)._asdict(), verdicts.get(claim_text(one))) for one in view.plan.claims),
        metrics=tuple((name, name in came) for name in view.plan.metrics),
        groups=tuple(view.plan.groups),
        values=tuple(list(values.items())[:MOST_VALUES]),
        final=view.plan.final,
        published=view.plan.final in folds,
        trainings=len(view.trainings),
        seed=view.plan.seed,
    )


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = str(value)[:200]
    return found


@dataclass(frozen=True)
class Attempt:
    """A plan of the same issuer that claims the same figures; ``this`` is the release's own."""

    plan: str
    time: str
    snapshot: str
    recipe: str
    claims: tuple[dict[str, str], ...]  # metric, comparator, threshold
    releases: tuple[str, ...]
    this: bool


def attempts(parts: Parts, view: ReleaseView, issuer: str) -> tuple[list[Attempt], bool]:
    """This issuer's plans that share a claim's figure with the release's, newest first; and whether there are plans
    older than those that were looked at."""
    lines, more = list_plans(parts, issuer, limit=MOST_PLANS)
    own = {claim_parts(one)[:2] for one in view.plan.claims}
    found = [_attempt(line, view) for line in lines if _claims_the_same(line["claims"], own)]
    return found, more is not None


def _claims_the_same(texts: list[str], own: set[tuple[str, str]]) -> bool:
    theirs = {parts[:2] for text in texts if (parts := split_claim(text)) is not None}
    return bool(theirs & own) or not (theirs or own)


def _attempt(line: Mapping[str, Any], view: ReleaseView) -> Attempt:
    return Attempt(
        plan=line["plan"],
        time=line["time"],
        snapshot=line["snapshot"],
        recipe=line["recipe"],
        claims=tuple(parts._asdict() for text in line["claims"] if (parts := split_claim(text)) is not None),
        releases=tuple(line["releases"]),
        this=line["plan"] == str(view.draw.plan),
    )
