"""The run of a release. For a run that this catalog never had, a row is derived from the release alone.

Invariant: nothing is invented: what a release does not state (the engine, who cancelled) stays None.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import sqlalchemy as sa

from registry.catalog.database.sql import plain
from registry.catalog.queries.signed_records import entries
from registry.catalog.queries.training_runs import runs
from registry.catalog.schema import operational
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.records import to_value
from registry.core.run_view import DrawView, draw_view
from registry.core.table import tables
from registry.core.unusable import refuse_unusable


def attach_release(db: sa.Connection, cid: CID, release: records.Release, issued_at: str, get: Get) -> None:
    """Tell the run of this release that it is published; without any run of its plan, derive one."""
    draw = records.parse_as(records.Draw, get(release.draw))
    if runs.find_by_plan(db, draw.plan, entries.issuer_of(db, release.plan_entry)):
        mine = (operational.runs.c.evaluation == str(release.evaluation)) & operational.runs.c.release.is_(None)
        db.execute(sa.update(operational.runs).where(mine).values(release=str(cid)))
        return
    _derive(db, cid, release, issued_at, get)


def run_id(plan_entry: CID) -> str:
    """The id of a run that was derived from its release: an equal plan of two issuers is two runs."""
    return "r" + str(plan_entry)[-12:]


def _derive(db: sa.Connection, cid: CID, release: records.Release, issued_at: str, get: Get) -> None:
    view = draw_view(get, release.draw)
    draw, plan = view.draw, view.plan
    with refuse_unusable():
        reasons = Counter(row["reason"] for row in tables.rows_as_dicts(view.preprocessing.output, get))
    run = runs.create(
        db,
        run=run_id(release.plan_entry),
        snapshot=str(view.preprocessing.snapshot),
        plan=str(draw.plan),
        plan_entry=str(release.plan_entry),
        preprocessing=str(plan.preprocessing),
        draw=str(release.draw),
        evaluation=str(release.evaluation),
        release=str(cid),
        recipe_name=view.recipe.name,
        issuer=entries.issuer_of(db, release.plan_entry),
        engine=None,
        status="completed",
        kept=reasons.pop(None, 0),
        dropped=dict(sorted(reasons.items())),
        options=_options(view),
        now=issued_at,
    )
    for training_cid in release.trainings:
        training = records.parse_as(records.Training, get(training_cid))
        epochs = tables.read(training.history, get).count
        runs.set_fold(
            db,
            run,
            training.fold,
            status="completed",
            epoch=epochs,
            epochs=epochs,
            training=str(training_cid),
            tensors=training.tensors,
        )


def _options(view: DrawView) -> dict[str, Any]:
    plan = view.plan
    return {
        "method": plan.method.id,
        "recipe_version": view.recipe.version,
        "values": plain(view.recipe.values),
        "claims": [to_value(claim) for claim in plan.claims],
        "final": plan.final,
        "base": str(plan.base) if plan.base else None,
        "unanchored": not view.draw.beacons,
        "correction": plan.correction,
    }
