"""The page of a comparison: paired differences with their intervals, and both releases' own figures side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.catalog.queries.signed_records import releases
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.run_view import release_view
from registry.evaluation.verdict import short, verdict_of
from registry.web.base import figures
from registry.web.base.page import check_drawings, render
from registry.web.base.svg import Drawing
from registry.web.base.words import Words
from registry.web.report.check_records import check_drawable
from registry.web.report.sections import by_confidence, confusion, curves_of
from registry.workflows.parts import Parts
from registry.workflows.releases.verdicts import facts_here, kept_report
from registry.workflows.withdrawals.withdrawn import withdrawals_of


def comparison_page(parts: Parts, a: CID, b: CID, found: Mapping[str, Any], language: str) -> str:
    """``found`` is the document of ``compare_releases`` for the releases ``a`` and ``b``.

    ``InvalidInput`` for a language that there is not (``bad_language``), and for a stranger's evaluation that states
    what can't be shown (``bad_evaluation``).
    """
    t = Words(language)
    paired, own = comparison_drawings(parts, a, b, found, t)
    verdicts = both_verdicts(parts, a, b, language)
    return render("compare.html", t, found=found, paired=paired, own=own, verdicts=verdicts)


def both_verdicts(parts: Parts, a: CID, b: CID, language: str) -> list[str]:
    """The two releases' verdicts in their short form: first what each of them says, then how they differ."""
    return [_verdict(parts, cid, language) for cid in (a, b)]


def _verdict(parts: Parts, cid: CID, language: str) -> str:
    """A release's verdict in its short form."""
    view = release_view(parts.store.get, records.parse_as(records.Release, parts.store.get(cid)))
    with parts.catalog.read() as db:
        issuer = releases.get(db, cid)["issuer"]
    row = {"issuer": issuer, "withdrawn": withdrawals_of(parts, cid)}
    return short(verdict_of(facts_here(parts, view, row, kept_report(parts, cid))), language)


def comparison_drawings(
    parts: Parts, a: CID, b: CID, found: Mapping[str, Any], t: Words
) -> tuple[Drawing, list[Drawing]]:
    """The paired differences, and each release's own figures. ``InvalidInput`` (``bad_evaluation``) as above."""
    get = parts.store.get
    views = [release_view(get, records.parse_as(records.Release, get(cid))) for cid in (a, b)]
    for view in views:
        check_drawable(view, get)
    paired = figures.intervals(
        t,
        t("compare.differences"),
        [(t.figure(one["name"]), one["difference"], one["low"], one["high"], None) for one in found["differences"]],
        lowest=-1,
    )
    both = [("A", views[0]), ("B", views[1])]
    own = [
        *(confusion(t, view, normalized=True, title=t("compare.confusion", side=side)) for side, view in both),
        *(
            by_confidence(t, "f1_confidence", curves_of(view, get), view.snapshot.classes, t("compare.f1", side=side))
            for side, view in both
        ),
    ]
    check_drawings((paired, *own))
    return paired, own
