"""The verdict on releases of the catalog: from their records, and from the newest audit of each that is kept here.

Invariants: nobody audits them for it, and the verdict says so. What a stranger states counts as that and no more until
an audit that is kept found its records consistent; one that found them broken counts everywhere. A list's verdict is
the short form and reads no table; a stranger's release that can't be read has none. How many persons a release's images
show never changes, so it is counted once a process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from registry.catalog.queries import kept_audits
from registry.catalog.queries.signed_records import releases
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.remembered import Remembered
from registry.core.run_view import ReleaseView, release_view
from registry.evaluation.facts import Facts
from registry.evaluation.sentences import LANGUAGES
from registry.evaluation.verdict import Verdict, refuted, short, verdict_of
from registry.provenance.checks.results import Check, guarded
from registry.provenance.checks.run_levels import levels_up_to
from registry.provenance.verdict_facts import People, audited, people, release_facts
from registry.workflows.local_issuers import is_local
from registry.workflows.log.forks import forking
from registry.workflows.parts import Parts
from registry.workflows.withdrawals.withdrawn import withdrawals_by

COUNTED = 100_000  # images of a release up to which persons are counted where nobody audits: a page must not wait
_people = Remembered[CID, People](10_000)


def people_of_release(parts: Parts, view: ReleaseView) -> People | None:
    """Persons and groups of a release's judged images; None where there are more than ``COUNTED``, or can't be read."""
    if view.snapshot.count > COUNTED:
        return None
    count = lambda: people(view, parts.store.get)  # noqa: E731
    return guarded(lambda: _people.of(view.plan.preprocessing, count), None)


def facts_here(
    parts: Parts, view: ReleaseView, row: Mapping[str, Any], kept: Mapping[str, Any] | None, found: People | None = None
) -> Facts:
    """What this home knows of a release: ``row`` has its ``issuer`` and ``withdrawn``, ``kept`` is the newest audit of
    it that is kept (``kept_audits.newest_reports``)."""
    local = is_local(parts, row["issuer"])
    facts = structs.replace(release_facts(view, found, row["withdrawn"]), local=local, attempts_stated=not local)
    if kept is None:
        return facts
    asked = levels_up_to(kept["level"])
    checks = [Check(**one, requested=one["level"] in asked) for one in kept["report"]["checks"]]
    return audited(facts, checks, kept["report"]["records"])


def release_verdict(parts: Parts, release: CID) -> Verdict:
    """The verdict on a release as its own document and page say it. ``NotFound``."""
    with parts.catalog.read() as db:
        row = releases.get(db, release)
    view = release_view(parts.store.get, records.parse_as(records.Release, parts.store.get(release)))
    back = withdrawals_by(parts, [row]).get(str(release), [])
    found = people_of_release(parts, view)
    return verdict_of(facts_here(parts, view, {**row, "withdrawn": back}, kept_report(parts, release), found))


def kept_report(parts: Parts, release: CID) -> dict[str, Any] | None:
    """The newest audit of a release that is kept; None: nobody audited it here."""
    with parts.catalog.read() as db:
        return kept_audits.newest_reports(db, [str(release)]).get(str(release))


def with_verdicts(parts: Parts, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a list (``cid``, ``issuer`` and ``withdrawn``), each with ``state`` and ``verdict``, the short form by
    language, ``forks``: whether its issuer's log does, and ``override``: why images that say no to it are in, or None.
    """
    doubtful = forking(parts, {row["issuer"] for row in rows})
    with parts.catalog.read() as db:
        kept = kept_audits.newest_reports(db, [row["cid"] for row in rows])
    return [{**row, **_short(parts, row, kept.get(row["cid"])), "forks": row["issuer"] in doubtful} for row in rows]


def _short(parts: Parts, row: Mapping[str, Any], kept: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        release = records.parse_as(records.Release, parts.store.get(CID.parse(row["cid"])))
        view = release_view(parts.store.get, release)
        found = verdict_of(facts_here(parts, view, row, kept))
    except EmotionetError:
        return {"state": None, "verdict": None, "refuted": (0, 0), "override": None}
    said = {language: short(found, language) for language in LANGUAGES}
    failing = refuted(one.code for one in found.parts)
    override = view.snapshot.use.override if view.snapshot.use else None
    return {"state": found.state, "verdict": said, "refuted": failing, "override": override}
