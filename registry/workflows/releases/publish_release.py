"""Publish a finished run: weights, evaluation, card and provenance into the store, signed, then anchored.

Invariants: a release counts as published only after its whole closure was read back from the store and verified, and as
anchored only at the chain's finalized tag. Only a completed run can be published. Publishing the same run again gives
the same release.
"""

from __future__ import annotations

from typing import Any

from msgspec import structs

from registry.catalog.queries.signed_records import entries, releases
from registry.catalog.queries.training_runs import plans, runs
from registry.content.unixfs import importer
from registry.content.weights_folder import keep_weights, read_weights
from registry.core import records
from registry.core.errors import Conflict, NotFound, Unavailable
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_closure
from registry.core.log import Signer
from registry.core.ports.method import Method
from registry.core.progress import Progress, silent
from registry.core.records import to_value
from registry.core.run_view import ReleaseView, draw_view, release_view
from registry.core.snapshots.image_rights import image_rights
from registry.core.weights import ONNX
from registry.evaluation.base_seen import about_base
from registry.evaluation.correction import release_claims
from registry.evaluation.facts import Facts
from registry.evaluation.sentences import attempts_document, note_document
from registry.evaluation.verdict import verdict_of
from registry.exports.card.card import model_card
from registry.provenance.attempts import count_attempts
from registry.provenance.release_view import by_name, final_figures, final_threshold, final_weights
from registry.workflows.base_weights import base_of
from registry.workflows.local_issuers import check_signs_as, publisher_text
from registry.workflows.log.anchor_documents import anchor_document
from registry.workflows.log.anchoring import anchor_for_a_while
from registry.workflows.log.append import append
from registry.workflows.log.forks import forks_of
from registry.workflows.log.inclusions import include_release
from registry.workflows.names.references import names_of
from registry.workflows.names.set_name import check_new_name, set_name
from registry.workflows.newer import refuse_newer
from registry.workflows.parts import Parts
from registry.workflows.releases.verdicts import facts_here, kept_report, people_of_release
from registry.workflows.snapshots.snapshot_document import rights_of
from registry.workflows.store.published_audits import published_audits
from registry.workflows.withdrawals.withdrawn import withdrawals_by


def publish_release(
    parts: Parts,
    run: str,
    *,
    wait: float = 120.0,
    onnx: bool = False,
    progress: Progress = silent,
    signer: Signer | None = None,
    name: str | None = None,
) -> dict[str, Any]:
    """Publish a completed run; the document of `emotionet release publish --json`.

    With ``onnx`` the final weights are published as ONNX too, after both were compared. ``signer``: this home's key
    unless given. ``name``: what its issuer calls the release from now on.
    """
    if name is not None:
        check_new_name(name)
    row, trainings = _completed(parts, run)
    check_signs_as(parts, row["issuer"], f"the release of run {run}")
    record = _release(parts, row, trainings, onnx)
    progress("publish", 1, 4)
    signer = signer or parts.key
    appended = append(parts, signer, record)
    read_back(parts, appended.entry)
    parts.store.pin(appended.entry)
    progress("publish", 2, 4)
    if name is not None:
        set_name(parts, signer, name, appended.record)
    include_release(parts, signer, appended.entry, record.plan_entry)
    with parts.catalog.write() as db:
        runs.update(db, run, release=str(appended.record), updated=parts.now())
    anchor_for_a_while(parts, signer.did, appended.entry, wait)
    progress("publish", 4, 4)
    return show_release(parts, appended.record)


def _completed(parts: Parts, run: str) -> tuple[dict[str, Any], list[CID]]:
    """A run's row and its trainings. ``Conflict`` (``run_not_completed``) where it has not come to its end."""
    with parts.catalog.read() as db:
        row = runs.row(db, run)
        folds = runs.folds(db, run)
    if row["status"] != "completed":
        raise Conflict(
            f"run {run} is {row['status']}: only a completed run can be published",
            code="run_not_completed",
            hint=f"`emotionet runs show {run}` shows its state, `emotionet runs resume {run}` resumes it.",
        )
    return row, [CID.parse(fold["training"]) for fold in folds]


def _release(parts: Parts, row: dict[str, Any], trainings: list[CID], onnx: bool) -> records.Release:
    trained = [records.parse_as(records.Training, parts.store.get(cid)) for cid in trainings]
    evaluation = CID.parse(row["evaluation"])
    figures = records.parse_as(records.Evaluation, parts.store.get(evaluation))
    draw = CID.parse(row["draw"])
    plan = draw_view(parts.store.get, draw).plan
    method = parts.method(plan.method.id)
    attempts = _attempts(parts, row)
    about = method.about()
    draft = records.Release(
        draw=draw,
        plan_entry=CID.parse(row["plan_entry"]),
        trainings=tuple(trainings),
        evaluation=evaluation,
        weights=tuple(
            records.Weights(fold=one.fold, format=about.format, cid=one.weights, tensors=one.tensors) for one in trained
        ),
        card=evaluation,  # placeholder until the card, which needs all other fields, is written
        licence=about.licence,
        claims=release_claims(plan, figures, attempts.count),
        attempts=attempts,
    )
    if onnx:
        draft = structs.replace(draft, weights=(*draft.weights, _as_onnx(parts, method, draft)))
    view = release_view(parts.store.get, draft)
    base = None if view.plan.base is None else base_of(parts, view.plan.base)
    rights = image_rights(view.snapshot, parts.store.get)
    card = model_card(view, rights, base, method.usage(view.recipe.values, final_threshold(view)))
    return structs.replace(draft, card=importer.add_bytes(parts.store, card.encode()).cid)


def _attempts(parts: Parts, row: dict[str, Any]) -> records.Attempts:
    """How many plans of this issuer claim the same: counted when the run is published for the first time, and kept
    afterwards.
    """
    if row["release"] is not None:
        return records.parse_as(records.Release, parts.store.get(CID.parse(row["release"]))).attempts
    with parts.catalog.read() as db:
        issuer = entries.issuer_of(db, CID.parse(row["plan_entry"]))
        own = plans.in_order(db, str(issuer))
    return count_attempts(parts.store.get, list(map(CID.parse, own)), CID.parse(row["plan"]))


def _as_onnx(parts: Parts, method: Method, draft: records.Release) -> records.Weights:
    """Publish the final weights as ONNX too. ``Untrusted`` where its predictions differ from the weights'."""
    view = release_view(parts.store.get, draft)
    final = final_weights(view)
    folder = keep_weights(parts.store, method.export(read_weights(parts.store, final.cid, method.about().files)))
    return records.Weights(fold=final.fold, format=ONNX, cid=folder, tensors=final.tensors)


def read_back(parts: Parts, entry: CID) -> int:
    """Read the whole closure back, verified; returns its number of blocks. ``Unavailable`` names what is missing."""
    count = 0
    for _ in walk_closure(parts.store.get, [entry]):
        count += 1
    if not count:
        raise Unavailable(f"{entry} could not be read back from the store", hint="publish again.")
    return count


def show_release(parts: Parts, cid: CID) -> dict[str, Any]:
    """The document of `emotionet release show --json`."""
    with parts.catalog.read() as db:
        record = entries.record_of(db, cid)
        try:
            row = releases.get(db, record)
        except NotFound:
            refuse_newer(parts, [record])
            raise
        evidence = entries.evidence_for(db, CID.parse(row["entry"]))
        names = names_of(parts, db, [row["cid"]])
    view = release_view(parts.store.get, records.parse_as(records.Release, parts.store.get(record)))
    back = withdrawals_by(parts, [row]).get(str(record), [])
    facts = facts_here(
        parts, view, {**row, "withdrawn": back}, kept_report(parts, record), people_of_release(parts, view)
    )
    return {
        "release": str(record),
        "names": names.get(str(record), []),
        "verdict": verdict_of(facts).document(),
        "entry": row["entry"],
        "issuer": row["issuer"],
        "published_by": publisher_text(parts, row["issuer"]),
        "withdrawn": back,
        "forks": forks_of(parts, [row["issuer"]]),
        "audits": published_audits(parts, record),
        "rights": rights_of(parts, view.preprocessing.snapshot, view.snapshot),
        **_made_of(view),
        **_figures(view),
        "claims": [to_value(one) for one in facts.claims or ()],
        "attempts": _attempts_document(facts),
        "anchor": anchor_document(parts, CID.parse(row["entry"]), evidence),
    }


def _made_of(view: ReleaseView) -> dict[str, Any]:
    """What a release followed from, and its weights."""
    return {
        "plan": str(view.draw.plan),
        "draw": str(view.release.draw),
        "snapshot": str(view.preprocessing.snapshot),
        "preprocessing": str(view.plan.preprocessing),
        "evaluation": str(view.release.evaluation),
        "weights": [{**to_value(one), "cid": str(one.cid)} for one in view.release.weights],
        "final": view.plan.final,
    }


def _figures(view: ReleaseView) -> dict[str, Any]:
    """What its evaluation found, and what its base weights have seen."""
    return {
        "metrics": by_name((*view.evaluation.metrics, *view.evaluation.fairness)),
        "own": None if (own := final_figures(view)) is None else by_name(own),
        "base_origin": None if view.plan.origin is None else to_value(view.plan.origin),
        "base_notes": [note_document(one) for one in about_base(view.plan.origin)],
        "unseen": by_name(view.evaluation.unseen),
        "seen": by_name(view.evaluation.seen),
        "thresholds": list(view.evaluation.thresholds),
        "optimistic": [one.document() for one in view.evaluation.optimistic],
        "spread": [one.document() for one in view.evaluation.spread],
        "overfitting": [to_value(one) for one in view.evaluation.overfitting],
    }


def _attempts_document(facts: Facts) -> dict[str, Any] | None:
    """``count``, ``number``, and ``text`` by language as the verdict says it."""
    if facts.attempts is None:
        return None
    said = attempts_document(facts.attempts, claims=facts.claims != (), stated=facts.attempts_stated)
    return {**to_value(facts.attempts), "text": said}
