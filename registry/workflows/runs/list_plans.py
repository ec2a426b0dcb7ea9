"""An issuer's plans with their claims, the state of their anchors, and the releases that came of them.

This shows whether somebody planned ten times and published once: every plan was signed into one log before its folds
were drawn, so plans without a release are listed too.
"""

from __future__ import annotations

from typing import Any

from registry.catalog.queries.signed_records import entries
from registry.catalog.queries.training_runs import plans
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.text.claim_text import claim_text
from registry.core.text.days import days_between
from registry.workflows.local_issuers import publisher_text
from registry.workflows.log.anchor_documents import anchor_document
from registry.workflows.parts import Parts


def list_plans(
    parts: Parts, issuer: str | None = None, cursor: str | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], str | None]:
    """Lines of `emotionet plans list --json`, newest first, and the cursor of the next page or None.

    ``plan, entry, issuer, time, days`` (since then), ``snapshot, recipe, claims`` (texts), ``anchor``, ``releases``. A
    plan without one was abandoned, failed, or is still under way.
    """
    with parts.catalog.read() as db:
        found, after = plans.list_plans(db, issuer, cursor, limit)
        evidence = {row["entry"]: entries.evidence_for(db, CID.parse(row["entry"])) for row in found}
    return [_line(parts, row, evidence[row["entry"]]) for row in found], after


def _line(parts: Parts, row: dict[str, Any], evidence: list[dict[str, Any]]) -> dict[str, Any]:
    plan = records.parse_as(records.Plan, parts.store.get(CID.parse(row["plan"])))
    return {
        "plan": row["plan"],
        "entry": row["entry"],
        "issuer": row["issuer"],
        "published_by": publisher_text(parts, row["issuer"]),
        "time": row["issued_at"],
        "days": days_between(row["issued_at"], parts.now()),
        "snapshot": row["snapshot"],
        "recipe": row["recipe_name"],
        "claims": list(map(claim_text, plan.claims)),
        "anchor": anchor_document(parts, CID.parse(row["entry"]), evidence),
        "releases": row["releases"],
    }
