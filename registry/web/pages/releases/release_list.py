"""The list of releases: each with its verdict in one line, its main figures, and who says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from registry.catalog.queries import kept_audits
from registry.catalog.queries.signed_records import releases
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.remembered import Remembered
from registry.core.run_view import ReleaseView, release_view
from registry.web.report.check_records import check_figures
from registry.workflows.local_issuers import is_local
from registry.workflows.names.profile import profile_of
from registry.workflows.names.references import names_of
from registry.workflows.parts import Parts
from registry.workflows.releases.verdicts import with_verdicts
from registry.workflows.withdrawals.withdrawn import withdrawals_by

PAGE = 20
MAIN = ("macro_f1", "accuracy", "pr_auc", "map50")
_figures = Remembered[str, list[dict[str, Any]]](1000)


def release_list(parts: Parts, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """A page of releases, newest first, and the next cursor.

    Beside a row's own fields: ``names``, ``state`` and ``verdict`` (the short form by language; None where a stranger's
    records can't be read), ``figures``, ``method``, ``images``, ``publisher``, ``withdrawn``, ``successors``, and
    ``audit``.
    """
    with parts.catalog.read() as db:
        rows, following = releases.list_releases(db, cursor=cursor, limit=PAGE)
        cids = [row["cid"] for row in rows]
        after, audits = releases.successors(db, cids), kept_audits.newest_reports(db, cids)
        given = names_of(parts, db, cids)
    back = withdrawals_by(parts, rows)
    told = with_verdicts(parts, [{**row, "withdrawn": back.get(row["cid"], [])} for row in rows])
    people = {issuer: publisher(parts, issuer) for issuer in {row["issuer"] for row in rows}}
    return [
        {
            **line(parts, row, after, audits),
            "names": given.get(row["cid"], []),
            "publisher": people[row["issuer"]],
        }
        for row in told
    ], following


def publisher(parts: Parts, issuer: str) -> dict[str, Any]:
    """Who signed: ``issuer``, whether that is this registry (``local``), and the ``name`` that it gives itself (None:
    none), which nobody proved."""
    try:
        said = profile_of(parts, issuer)
    except EmotionetError:
        said = None
    return {"issuer": issuer, "local": is_local(parts, issuer), "name": said["name"] if said else None}


def line(
    parts: Parts,
    row: Mapping[str, Any],
    after: Mapping[str, Sequence[str]],
    audits: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """One release of a list."""
    audit = audits.get(row["cid"])
    return {
        **row,
        **_read(parts, row["cid"]),
        "successors": after.get(row["cid"], []),
        "audit": None if audit is None else {"id": audit["id"], "records": audit["report"]["records"]},
    }


def _read(parts: Parts, cid: str) -> dict[str, Any]:
    try:
        view = release_view(parts.store.get, records.parse_as(records.Release, parts.store.get(CID.parse(cid))))
        found = _figures.of(cid, lambda: _checked_figures(view))
    except EmotionetError:
        return {"figures": [], "method": None, "images": None, "state": None, "verdict": None, "refuted": (0, 0)}
    return {"figures": found, "method": view.plan.method.id, "images": view.snapshot.count}


def _checked_figures(view: ReleaseView) -> list[dict[str, Any]]:
    check_figures(view)
    return main_figures(view)


def main_figures(view: ReleaseView) -> list[dict[str, Any]]:
    """The main figures that a release has, in their order."""
    named = {one.name: one.document() for one in view.evaluation.metrics}
    return [named[name] for name in MAIN if name in named]
