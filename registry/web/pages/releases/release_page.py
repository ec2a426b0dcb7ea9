"""A release's page: what was claimed and what became of it first, then figures, images, and the records behind them.

Invariants: all that is shown comes from records that the store verified, and the page says whether anybody here looked
at whether they follow from each other. Nothing here reads a table of images from its beginning to its end, but the
judgements, whose few worst are shown. What follows from the records alone is kept; who withdrew, audited, named or
superseded is read each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from registry.catalog.queries import kept_audits
from registry.catalog.queries.signed_records import releases
from registry.content.unixfs import reader
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.remembered import Remembered
from registry.core.run_view import ReleaseView, release_view
from registry.core.table import tables
from registry.core.weights import digested
from registry.evaluation.fairness.sources import sources_by_group
from registry.evaluation.figures.baselines import baselines
from registry.evaluation.verdict import Verdict, refuted, verdict_of
from registry.provenance.release_view import final_weights
from registry.web.base import figures
from registry.web.base.markdown import card_html
from registry.web.base.page import check_drawings
from registry.web.base.words import Words
from registry.web.pages.releases.cite import Cited, citations
from registry.web.pages.releases.image_table import cells, image_table
from registry.web.pages.releases.judged import QUICK, Wanted, is_quick, nothing_of
from registry.web.pages.releases.planned import planned
from registry.web.pages.releases.release_list import main_figures, publisher
from registry.web.report.by_group import by_group, people_of
from registry.web.report.check_records import check_drawable, check_figures
from registry.web.report.sections import by_confidence, curves_of, intervals_by_class, intervals_by_fold
from registry.workflows.methods import is_named
from registry.workflows.parts import Parts
from registry.workflows.releases.attempts import attempts
from registry.workflows.releases.publish_release import show_release
from registry.workflows.releases.verdicts import facts_here, people_of_release
from registry.workflows.store.published_audits import published_audits
from registry.workflows.store.read_content import read_as

WORST = 12  # images that are shown on the page itself
CARD = "README.md"  # as hubs call it
MISTAKES = Wanted(right=False, order="sure")
_image_bytes = Remembered[CID, int](10_000)  # by snapshot
_figures = Remembered[tuple[CID, str], dict[str, Any]](64)  # by release and language
_cards = Remembered[CID, Markup](64)
MAX_CARD = 1 << 20  # bytes of a card that are shown


def release_page(parts: Parts, cid: CID, t: Words) -> dict[str, Any]:
    """All fields of ``pages/release.html``. ``NotFound``; ``InvalidInput`` for a stranger's release that states what
    can't be shown."""
    about = show_release(parts, cid)
    release = CID.parse(about["release"])
    view = release_view(parts.store.get, read_as(parts, records.Release, release))
    shown = _figures.of((release, t.language), lambda: _checked_figures(parts, view, t))
    who = _who_says_so(parts, release, view, about)
    failing = refuted(part.code for part in who["verdict"].parts)
    tried, more_tried = attempts(parts, view, about["issuer"], about["entry"])
    return {
        "about": about,
        "names": about["names"],
        "view": view,
        "attempts": tried,
        "more_attempts": more_tried,
        "planned": planned(view),
        "card": _card(parts, view),
        "can_predict": is_named(view.plan.method.id),
        **who,
        "refuted": failing,
        "is_bad": bool(failing[0]) or "withdrawn" in t.taken_back(about["withdrawn"]),
        **shown,
        "rights": about["rights"]["counts"],
        **_downloads(parts, view),
    }


def _who_says_so(parts: Parts, release: CID, view: ReleaseView, about: Mapping[str, Any]) -> dict[str, Any]:
    """Its issuer, what came of it, and who checked it."""
    with parts.catalog.read() as db:
        row = releases.get(db, release)
        after = releases.successors(db, [str(release)]).get(str(release), [])
        kept = kept_audits.newest_reports(db, [str(release)]).get(str(release))
        own, _ = kept_audits.list_audits(db, str(release), limit=10)
    signer = publisher(parts, about["issuer"])
    return {
        "publisher": signer,
        "issued": row["issued_at"],
        "supersedes": row["supersedes"],
        "successors": after,
        "verdict": _verdict(parts, view, about, kept),
        "kept": kept,
        "own_audits": [one for one in own if one["held"]],
        "others_audits": published_audits(parts, release),
        "cite": citations(_cited(view, row, signer)),
    }


def _checked_figures(parts: Parts, view: ReleaseView, t: Words) -> dict[str, Any]:
    """All that is shown of its evaluation, which follows from its records alone."""
    check_figures(view)
    check_drawable(view, parts.store.get)
    return {
        "drawn_faces": _is_drawn(view),
        "figures": main_figures(view),
        "baselines": baselines(view.evaluation.confusion, len(view.snapshot.classes)),
        "drawings": _drawings(t, parts, view),
        "people": by_group(people_of(view.evaluation), view.snapshot.classes),
        "sources": sources_by_group(view.evaluation.notes),
        "cells": cells(view),
        "nothing": nothing_of(view.snapshot.classes),
        "worst": image_table(parts.store.get, view, MISTAKES, 0, WORST) if is_quick(view) else None,
    }


def _downloads(parts: Parts, view: ReleaseView) -> dict[str, Any]:
    """Files of the final weights, the name of the one that holds them, and how large things are."""
    files = _files(parts, view)
    weights = next(iter(digested({one["name"]: one for one in files})), "weights")
    return {"files": files, "weights": weights, "sizes": _sizes(parts, view)}


def _verdict(parts: Parts, view: ReleaseView, about: Mapping[str, Any], kept: Mapping[str, Any] | None) -> Verdict:
    """With what this home's newest audit found, and what was taken back up to now."""
    return verdict_of(facts_here(parts, view, about, kept, people_of_release(parts, view)))


def _is_drawn(view: ReleaseView) -> bool:
    """Whether all judged images are said to be drawings."""
    judged = next((one.n for one in view.evaluation.metrics if one.metric == "accuracy"), None)
    return any(one.group == {"source": "drawing"} and one.n == judged for one in view.evaluation.fairness)


def _drawings(t: Words, parts: Parts, view: ReleaseView) -> list[Any]:
    """By class, by fold, and F1 by confidence; the report has all."""
    curves = curves_of(view, parts.store.get)
    found = [intervals_by_class(t, view), intervals_by_fold(t, view)]
    found.append(by_confidence(t, "f1_confidence", curves, view.snapshot.classes))
    if curves.get("reliability(all)"):
        found.append(figures.reliability(t, t("figures.reliability"), curves["reliability(all)"]))
    check_drawings(found)
    return found


def _card(parts: Parts, view: ReleaseView) -> Any:
    """The model card as HTML; None where it can't be read here."""
    try:
        if reader.file_size(parts.store, view.release.card) > MAX_CARD:
            return None
        text = reader.read_whole(parts.store, view.release.card).decode("utf-8", "replace")
        return _cards.of(view.release.card, lambda: card_html(text))
    except EmotionetError:
        return None


def citations_of(parts: Parts, release: CID) -> dict[str, str]:
    """How to cite a release. ``NotFound``."""
    with parts.catalog.read() as db:
        row = releases.get(db, release)
    view = release_view(parts.store.get, read_as(parts, records.Release, release))
    return citations(_cited(view, row, publisher(parts, row["issuer"])))


def _cited(view: ReleaseView, row: Mapping[str, Any], signer: Mapping[str, Any]) -> Cited:
    return Cited(
        title=f"Emotionet {view.recipe.name} ({view.plan.method.id}): {', '.join(view.snapshot.classes)}",
        publisher=signer["name"] or row["issuer"],
        issuer=row["issuer"],
        issued=row["issued_at"],
        release=row["cid"],
        snapshot=row["snapshot"],
        licence=view.release.licence,
    )


def _sizes(parts: Parts, view: ReleaseView) -> dict[str, int | None]:
    """About how many bytes its files have: ``images`` of the snapshot alone; None where there are too many to count."""
    if view.snapshot.count > QUICK:
        return {"images": None}
    return {"images": _image_bytes.of(view.preprocessing.snapshot, lambda: _added_up(parts, view.snapshot))}


def _added_up(parts: Parts, snapshot: records.Snapshot) -> int:
    rows = tables.rows_as_dicts(snapshot.items, parts.store.get)
    return sum(row["size"] for row in rows if isinstance(row["size"], int))


def _files(parts: Parts, view: ReleaseView) -> list[dict[str, Any]]:
    """The files of the final weights: ``name, cid, size``; none where they are not held."""
    try:
        found = reader.list_directory(parts.store, final_weights(view).cid)
        return [
            {"name": name, "cid": str(entry.cid), "size": reader.file_size(parts.store, entry.cid)}
            for name, entry in found.items()
        ]
    except EmotionetError:
        return []


def own_files(parts: Parts, release: CID) -> dict[str, tuple[CID, int]]:
    """The files that a release's page offers one by one: CID and size by name."""
    view = release_view(parts.store.get, read_as(parts, records.Release, release))
    found = {one["name"]: (CID.parse(one["cid"]), one["size"]) for one in _files(parts, view)}
    return {**found, CARD: (view.release.card, reader.file_size(parts.store, view.release.card))}
