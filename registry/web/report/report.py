"""The HTML report: one file that needs nothing else, no script, no foreign host, fit for print and for the dark.

Invariants: everything from outside is escaped; only SVG that ``registry.web.base.figures`` made is inserted as it is;
pictures are data URIs; a browser that heeds the page's policy loads nothing; every word is the catalogue's, or a
record's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from registry.core.errors import InvalidInput
from registry.core.records import Beacon, Note
from registry.core.snapshots.image_rights import ImageRights
from registry.evaluation.agreement import FEW, Agreement
from registry.evaluation.verdict import refuted
from registry.web.base.page import check_drawings, render
from registry.web.base.svg import Drawing
from registry.web.base.words import Words, catalogue
from registry.web.report.by_group import ByGroup
from registry.web.report.mistakes import Mistake
from registry.web.verify.verify import verifier_address
from registry.workflows.releases.attempts import Attempt


class ReportData(msgspec.Struct, frozen=True, kw_only=True):
    """All that the report shows, as plain values.

    ``headline``, ``metrics``, ``per_fold`` and ``own`` hold {name, value, low, high, n}; ``people`` the figures of
    groups, by ``classes`` where they are of a class; ``claims`` and ``later`` the verdicts' fields; ``counts`` (step,
    what, reason, how many); ``examples`` (reason, what was measured, data URI or None, SHA-256); ``checks`` the audit's
    {id, level, title, result, reason}; ``cids`` (name, CID); ``tests``, ``optimistic``, ``overfitting`` and ``spread``
    the records' fields; ``several`` (class, how many). ``own`` is None of a refit.
    """

    language: str
    model: str  # what the title calls the model, its data and who published it
    data: str
    publisher: str
    issued: str
    issuer: str
    recipe: str
    drawn: bool
    anchor: str
    beacons: tuple[Beacon, ...] = ()  # that the folds were drawn from
    base: str | None
    base_licence: str | None
    licence: str
    headline: tuple[dict[str, Any], ...]
    verdict: dict[str, Any]  # as ``Verdict.document`` gives it
    records: str  # consistent, broken, undecided
    rests: tuple[dict[str, Any], ...]  # the verdict's parts beside the claims' own
    checked: int
    unchecked: int
    claims: tuple[dict[str, Any], ...]  # each with ``n``
    figures: tuple[Drawing, ...]
    counts: tuple[tuple[str, str, str, int], ...]
    examples: tuple[tuple[str, str, str | None, str], ...]
    metrics: tuple[dict[str, Any], ...]
    notes: tuple[Note, ...]
    checks: tuple[dict[str, Any], ...]
    cids: tuple[tuple[str, str], ...]
    final: str  # "fold:N" or "refit": whose weights people get
    own: tuple[dict[str, Any], ...] | None = None
    evidence: tuple[dict[str, Any], ...] = ()  # of its entry: {kind, status, chain, by, time}
    withdrawn: tuple[dict[str, Any], ...] = ()  # what was taken back of it: {what, effective, reason, issuer}
    audits: tuple[dict[str, Any], ...] = ()  # that anybody published, favourable or not (``published_audits``)
    attempts: tuple[Attempt, ...] = ()  # the issuer's plans with such a claim
    attempts_text: str = ""  # how many the release's own record counts
    more_attempts: bool = False  # whether there are older ones
    forks: tuple[dict[str, Any], ...] = ()  # pairs of entries by which its issuer's log forks, as far as is known here
    faces: bool = False  # whether pictures of people are in the file
    mistakes: tuple[Mistake, ...] = ()
    agreement: Agreement | None = None  # of people on the labels
    rights: ImageRights | None = None  # what the images say of their use
    sources: Mapping[str, Mapping[str, int]] = {}  # images by source of a group's attribute, by group
    chance: Mapping[str, str] = {}  # baselines by figure
    majority: Mapping[str, str] = {}
    base_notes: tuple[Note, ...] = ()  # on what the base weights have seen
    unseen: tuple[dict[str, Any], ...] = ()  # of images that they have not seen, and of the others
    seen: tuple[dict[str, Any], ...] = ()
    people: ByGroup = ByGroup()
    classes: tuple[str, ...] = ()
    later: tuple[dict[str, Any], ...] = ()  # claims after the fact, of whoever asked for this page
    tests: tuple[dict[str, Any], ...] = ()
    several: tuple[tuple[str, int], ...] = ()
    thresholds: tuple[str, ...] = ()
    optimistic: tuple[dict[str, Any], ...] = ()
    overfitting: tuple[dict[str, Any], ...] = ()
    spread: tuple[dict[str, Any], ...] = ()
    per_fold: tuple[tuple[dict[str, Any], ...], ...] = ()
    commands: tuple[str, ...] = ()  # to try next


def render_report(data: ReportData) -> str:
    """The whole page. ``InvalidInput`` (``bad_figure``) for a figure or a picture that would not stay in its place."""
    check_drawings(data.figures)
    pictures = [(one[0], one[2]) for one in data.examples] + [(one.image, one.uri) for one in data.mistakes]
    for of, uri in pictures:
        if uri is not None and not uri.startswith(("data:image/jpeg;base64,", "data:image/png;base64,")):
            raise InvalidInput(f"the picture for {of!r} must be a data URI of a JPEG or PNG", code="bad_figure")
    t = Words(data.language)
    thresholds = "; ".join(map(t.exact, data.thresholds))
    glossary = [name for name in catalogue()["glossary"] if f"{name}_means" in catalogue()["glossary"]]
    kappa, verifier = _kappa(t, data.agreement), verifier_address()
    fields = {"thresholds": thresholds, "glossary": glossary, "kappa": kappa, "verifier": verifier}
    failing = refuted(part["code"] for part in data.verdict["parts"])
    return render("report.html", t, data=data, refuted=failing, **fields)


def _kappa(t: Words, found: Agreement | None) -> str:
    """People's agreement beyond chance, in words."""
    if found is None:
        return ""
    if found.is_few:
        return t("agree.few", count=FEW)
    kappa = () if found.kappa is None else (t(f"agree.{found.kind}", value=t.short(found.kappa)),)
    alpha = () if found.alpha is None else (t("agree.alpha", value=t.short(found.alpha)),)
    return ", ".join((*kappa, *alpha)) or t("agree.no_kappa")
