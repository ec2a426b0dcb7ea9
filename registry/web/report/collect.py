"""Gathers what the report shows, from a release's records and from an audit of it, made on the way.

Invariants: all content comes from records, the anchor's state and the audit (which may ask a chain); the same home and
language give the same page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from registry.content.unixfs import reader
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.run_view import ReleaseView, release_view
from registry.core.snapshots.image_rights import image_rights
from registry.core.table import tables
from registry.evaluation.base_seen import about_base
from registry.evaluation.fairness.sources import sources_by_group
from registry.evaluation.figures.baselines import baselines
from registry.evaluation.verdict import WORDS
from registry.provenance.checks.results import guarded
from registry.provenance.people_agree import people_agreement
from registry.provenance.release_view import final_figures, thresholds
from registry.web.base.figures import nothing
from registry.web.base.words import Words
from registry.web.report.by_group import by_group, people_of
from registry.web.report.check_records import check_presentable
from registry.web.report.left_out import counts, examples
from registry.web.report.mistakes import Mistake, picture_of, surest_mistakes
from registry.web.report.report import ReportData
from registry.web.report.sections import drawings
from registry.web.report.title import title_of
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.base_weights import base_of
from registry.workflows.parts import Parts
from registry.workflows.releases.attempts import attempts
from registry.workflows.releases.judge_claims import judge_claims
from registry.workflows.releases.publish_release import show_release
from registry.workflows.withdrawals.rows_taken_back import RowsTakenBack

BY_FOLD = ("macro_f1", "accuracy", "pr_auc", "map50")
HEADLINE = ("macro_f1", "accuracy", "pr_auc", "map50")
OF_CLAIMS = {*WORDS.values(), "undecided", "no_figure", "inferred", "several", "none", "withdrawn", "needed", "broken"}
IDS = ("release", "entry", "plan", "draw", "snapshot", "preprocessing", "evaluation")


def collect(
    parts: Parts,
    release: CID,
    language: str,
    commands: Sequence[str] = (),
    *,
    claims: Sequence[str] = (),
    faces: bool = False,
) -> ReportData:
    """Everything for ``render_report`` of a release that is held; ``commands`` are what to try next, ``claims`` what
    somebody claims after the fact. Pictures are in it only with ``faces``.

    ``NotFound`` if it is not held; ``InvalidInput`` for an unknown language (``bad_language``), for a claim that is
    malformed or of an unknown class or group (``bad_claim``), and for an evaluation with values that can't be shown
    (``bad_evaluation``).
    """
    t, get = Words(language), parts.store.get
    about = show_release(parts, release)
    view = release_view(get, records.parse_as(records.Release, get(CID.parse(about["release"]))))
    audit = audit_target(parts, about["entry"]).to_json()
    items = list(tables.rows_as_dicts(view.snapshot.items, get))
    check_presentable(view, get, items)
    return ReportData(
        language=language,
        **title_of(parts, t, view, about),
        issued=records.parse_as(records.Entry, get(CID.parse(about["entry"]))).issued_at,
        **_published(about),
        **_attempts(parts, t, view, about),
        **_of_plan(view),
        **_beside(view),
        **_audited(audit),
        faces=faces,
        **_of_images(parts, t, view, items, faces),
        later=tuple(judge_claims(parts, CID.parse(about["release"]), claims)["claims"] if claims else ()),
        **_judged(view.evaluation),
        **_of_classes(t, view),
        **_of_base(parts, view),
        commands=tuple(commands),
    )


def _of_plan(view: ReleaseView) -> dict[str, Any]:
    """By which recipe and beacons it was made, and which weights people get, with their own figures."""
    own = final_figures(view)
    return {
        "recipe": view.recipe.name,
        "licence": view.release.licence,
        "final": view.plan.final,
        "own": None if own is None else _some(own),
        "beacons": view.draw.beacons,
    }


def _of_images(
    parts: Parts, t: Words, view: ReleaseView, items: Sequence[Mapping[str, Any]], faces: bool
) -> dict[str, Any]:
    """What is said of the images, and drawn of them."""
    get = parts.store.get
    return {
        "drawn": bool(items) and all(row["attributes"].get("source") == "drawing" for row in items),
        "mistakes": _mistakes(parts, t, view, items, faces),
        "rights": image_rights(view.snapshot, get),
        "sources": sources_by_group(view.evaluation.notes),
        "agreement": guarded(lambda: people_agreement(view.snapshot, get, RowsTakenBack(parts)), None),
        "figures": tuple(drawings(t, view, get, items)),
        "counts": tuple(counts(parts, view, items)),
        "examples": tuple(examples(parts, view, items, faces)),
    }


def _attempts(parts: Parts, t: Words, view: ReleaseView, about: Mapping[str, Any]) -> dict[str, Any]:
    """The issuer's plans with such a claim. Their ages change by the day, a page that is kept does not: only dates."""
    tried, more = attempts(parts, view, about["issuer"], about["entry"])
    return {"attempts": tuple(tried), "more_attempts": more, "attempts_text": about["attempts"]["text"][t.language]}


def _published(about: Mapping[str, Any]) -> dict[str, Any]:
    """Who published it, whether that is anchored, what it claims, and what was taken back of it."""
    return {
        "issuer": about["issuer"],
        "anchor": about["anchor"]["status"],
        "evidence": tuple(about["anchor"]["evidence"]),
        "claims": tuple(about["claims"]),
        "withdrawn": tuple(about["withdrawn"]),
        "forks": tuple(about["forks"]),
        "audits": tuple(about["audits"]),
        "cids": _cids(about),
    }


def _audited(audit: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit found."""
    unchecked = sum(check["result"] == "not checked" for check in audit["checks"])
    return {
        "verdict": audit["verdict"],
        "records": audit["records"],
        "rests": _rests(audit["verdict"]),
        "checks": tuple(audit["checks"]),
        "checked": len(audit["checks"]) - unchecked,
        "unchecked": unchecked,
    }


def _of_classes(t: Words, view: ReleaseView) -> dict[str, Any]:
    """The classes, and what is said of each or by them."""
    classes = view.snapshot.classes
    return {
        "classes": classes,
        "people": by_group(people_of(view.evaluation), classes),
        "several": tuple(zip((*classes, nothing(t, classes)), view.evaluation.several, strict=False)),
    }


def _judged(evaluation: records.Evaluation) -> dict[str, Any]:
    """What an evaluation says in its own words."""
    named = {metric.name: metric.document() for metric in evaluation.metrics}
    return {
        "metrics": tuple(metric.document() for metric in evaluation.metrics),
        "headline": tuple(named[name] for name in HEADLINE if name in named),
        "per_fold": tuple(_some(found) for found in evaluation.per_fold),
        "tests": tuple(one.document() for one in evaluation.tests),
        "thresholds": evaluation.thresholds,
        "optimistic": tuple(one.document() for one in evaluation.optimistic),
        "overfitting": tuple(structs.asdict(one) for one in evaluation.overfitting),
        "spread": tuple(one.document() for one in evaluation.spread),
        "notes": evaluation.notes,
    }


def _rests(verdict: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """What the verdict says beside what became of the claims."""
    return tuple(one for one in verdict["parts"] if one["code"] not in OF_CLAIMS)


def _beside(view: ReleaseView) -> dict[str, Any]:
    """Baselines beside the headline figures."""
    found = baselines(view.evaluation.confusion, len(view.snapshot.classes))
    return {"chance": found.chance, "majority": found.majority} if found else {}


def _mistakes(
    parts: Parts, t: Words, view: ReleaseView, items: Sequence[Mapping[str, Any]], faces: bool
) -> tuple[Mistake, ...]:
    rows = tables.rows_as_dicts(view.evaluation.predictions, parts.store.get)
    classes = view.snapshot.classes
    found = surest_mistakes(rows, classes, nothing(t, classes), thresholds(view))
    if not faces:
        return tuple(found)
    wanted = {one.image for one in found}
    where = {row["sha256"].hex(): row["image"] for row in items if row["sha256"].hex() in wanted}
    prepared = tables.rows_as_dicts(view.preprocessing.output, parts.store.get)
    sizes = {row["sha256"].hex(): (row["width"], row["height"]) for row in prepared if row["sha256"].hex() in wanted}
    return tuple(structs.replace(one, uri=_framed(parts, where, sizes, one)) for one in found)


def _framed(parts: Parts, where: Mapping[str, CID], sizes: Mapping[str, tuple[int, int]], one: Mistake) -> str | None:
    return picture_of(lambda: reader.read_whole(parts.store, where[one.image]), sizes.get(one.image, (0, 0)), one)


def _cids(about: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The release's own, then those of its weights, each with what it is of."""
    weights = ((_name(one["fold"]), one["cid"]) for one in about["weights"])
    return (*((name, about[name]) for name in IDS), *weights)


def _name(fold: int | None) -> str:
    """The name of a fold's published weights (None: the refit), as ``Words.fold`` reads it."""
    return records.REFIT if fold is None else f"fold {fold}"


def _some(found: Sequence[records.Metric]) -> tuple[dict[str, Any], ...]:
    return tuple(one.document() for one in found if one.name in BY_FOLD)


def _of_base(parts: Parts, view: ReleaseView) -> dict[str, Any]:
    """The base weights, what they have seen, and the figures of what they have and have not."""
    return {
        "base": str(view.plan.base) if view.plan.base else None,
        "base_licence": _base_licence(parts, view.plan.base),
        "base_notes": about_base(view.plan.origin),
        "unseen": _some(view.evaluation.unseen),
        "seen": _some(view.evaluation.seen),
    }


def _base_licence(parts: Parts, base: CID | None) -> str | None:
    """What the base weights' own model.json states; None where they state none, or are not held here."""
    if base is None:
        return None
    try:
        said = base_of(parts, base)
        return said.licence if said else None
    except EmotionetError:
        return None
