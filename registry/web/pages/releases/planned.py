"""What was planned beside what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from registry.core import records
from registry.core.run_view import ReleaseView
from registry.core.text.claim_text import claim_parts
from registry.core.text.flat import flat
from registry.web.pages.runs.log_lines import short

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
    beacons: tuple[str, ...]  # that the plan named
    drawn: tuple[records.Beacon, ...]  # that the folds were drawn from
    correction: records.Correction


def planned(view: ReleaseView) -> Planned:
    """A plan against its release."""
    verdicts = {claim_parts(one): one.verdict for one in view.release.claims}
    figures = (*view.evaluation.metrics, *view.evaluation.fairness)
    came = {name for one in figures for name in (one.metric, one.name)}
    values = [(name, short(value)) for name, value in flat(view.recipe.values).items()]
    folds = {"refit" if one.fold is None else f"fold:{one.fold}" for one in view.release.weights}
    return Planned(
        claims=tuple((claim_parts(one)._asdict(), verdicts.get(claim_parts(one))) for one in view.plan.claims),
        metrics=tuple((name, name in came) for name in view.plan.metrics),
        groups=tuple(view.plan.groups),
        values=tuple(values[:MOST_VALUES]),
        final=view.plan.final,
        published=view.plan.final in folds,
        trainings=len(view.trainings),
        seed=view.plan.seed,
        beacons=tuple(short(one) for one in view.plan.beacons),
        drawn=view.draw.beacons,
        correction=view.plan.correction,
    )
