"""Where a run stands, what came of it, and what to do next: the document of `emotionet runs show --json`."""

from __future__ import annotations

from typing import Any

from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.records import to_value
from registry.evaluation.sentences import note_document
from registry.provenance.release_view import by_name
from registry.workflows.names.references import with_run_names
from registry.workflows.parts import Parts
from registry.workflows.withdrawals.withdrawn import withdrawals_of


def show_run(parts: Parts, run: str) -> dict[str, Any]:
    """The run's row, folds and ``names``; of a completed one ``metrics``, ``seen``, ``unseen``, ``claims`` (with
    verdicts) and ``notes`` (code, values, text by language) of its evaluation, otherwise None; ``withdrawn``: what was
    taken back of its snapshot; ``next``: the command that goes on. ``NotFound`` if there is none."""
    with parts.catalog.read() as db:
        (document,) = with_run_names(parts, db, [runs.get(db, run)])
        evaluation = runs.row(db, run)["evaluation"]
    back = withdrawals_of(parts, CID.parse(document["snapshot"]))
    return {**document, **evaluation_of(parts, evaluation), "withdrawn": back, "next": next_command(document)}


def evaluation_of(parts: Parts, cid: str | None) -> dict[str, Any]:
    """``metrics``, ``unseen``, ``seen``, ``claims``, ``notes`` of an evaluation that is held; None each otherwise."""
    if cid is None or not parts.store.has(CID.parse(cid)):
        return dict.fromkeys(("metrics", "unseen", "seen", "claims", "notes"))
    found = records.parse_as(records.Evaluation, parts.store.get(CID.parse(cid)))
    return {
        "metrics": by_name((*found.metrics, *found.fairness)),
        "unseen": by_name(found.unseen),
        "seen": by_name(found.seen),
        "claims": [to_value(one) for one in found.verdicts],
        "notes": [note_document(one) for one in found.notes],
    }


def next_command(document: dict[str, Any]) -> str:
    """What somebody who looks at this run is likely to want."""
    run, status = document["run"], document["status"]
    if status == "running":
        return f"emotionet runs follow {run}"
    if status != "completed":
        return f"emotionet runs resume {run}"
    if document["release"] is None:
        return f"emotionet release publish {run}"
    return f"emotionet release show {document['release']}"
