"""Judge claims that somebody makes after a release was published, from its published predictions.

Invariants: figures are computed again from the predictions, not read from the release. Nothing is recorded. A claim
that is made after seeing the figures can be chosen so that it holds, and the document says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.records import to_value
from registry.core.run_view import release_view
from registry.core.text.claim_text import claim_parts
from registry.core.unusable import refuse_unusable
from registry.provenance.release_view import evaluate_draw
from registry.workflows.parts import Parts
from registry.workflows.read_claims import read_claims
from registry.workflows.store.read_content import read_as

WARNING = (
    "These claims were made after the fact: who knows the figures can choose a claim that holds. Only claims that are "
    "locked in the plan were there before the folds were drawn."
)


@refuse_unusable()
def judge_claims(parts: Parts, release: CID, texts: Sequence[str]) -> dict[str, Any]:
    """The document of `emotionet release claim RELEASE CLAIM... --json`. ``InvalidInput`` (``bad_claim``) for a claim
    that is malformed, or names an unknown class or group."""
    view = release_view(parts.store.get, read_as(parts, records.Release, release))
    claims = read_claims(parts, view.snapshot, texts)
    evaluation = view.evaluation
    found = evaluate_draw(parts.store.get, view.release.draw, evaluation.predictions, evaluation.trainings, claims)
    sizes = {one.name: one.n for one in (*found.fairness, *found.metrics)}
    locked = set(map(claim_parts, view.plan.claims))
    return {
        "release": str(release),
        "after_the_fact": True,
        "note": WARNING,
        "claims": [
            {**to_value(one), "n": sizes.get(one.metric), "in_plan": claim_parts(one) in locked}
            for one in found.verdicts
        ],
    }
