"""Audits of a release that anybody signed, as far as this home knows them: favourable or not, each with who it is by.

Invariant: only audits with a signed entry; the newest first, at most ``MOST``: anybody can sign any number of them.
"""

from __future__ import annotations

from typing import Any

from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.workflows.local_issuers import is_local, publisher_text
from registry.workflows.parts import Parts
from registry.workflows.store.find_records import look_up

MOST = 50
HOLDS, FAILS = "holds", "does not hold"


def published_audits(parts: Parts, target: CID) -> list[dict[str, Any]]:
    """Lines of ``audit, issuer, published_by, local, time, levels, holds, fails, open, failed, sample``."""
    signed = [one for one in look_up(parts, str(target), only="audit") if one["issuer"] is not None]
    newest = sorted(signed, key=lambda one: (one["time"] or "", one["record"]), reverse=True)[:MOST]
    return [line for one in newest if (line := _line(parts, one)) is not None]


def audit_entries(parts: Parts, target: CID) -> list[CID]:
    """The entries that sign these audits: what goes along in a release's file."""
    from registry.catalog.queries.signed_records import entries

    with parts.catalog.read() as db:
        found = [
            entries.entry_of(db, CID.parse(one["audit"]), one["issuer"]) for one in published_audits(parts, target)
        ]
    return [entry for entry in found if entry is not None]


def _line(parts: Parts, one: dict[str, Any]) -> dict[str, Any] | None:
    try:
        audit = records.parse_as(records.Audit, parts.store.get(CID.parse(one["record"])))
    except EmotionetError:
        return None  # it is indexed, and not held or of a newer version: `lineage` names it
    counts = {result: sum(check.result == result for check in audit.checks) for result in (HOLDS, FAILS)}
    return {
        "audit": one["record"],
        "issuer": one["issuer"],
        "published_by": publisher_text(parts, one["issuer"]),
        "local": is_local(parts, one["issuer"]),
        "time": one["time"],
        "levels": list(audit.levels),
        "holds": counts[HOLDS],
        "fails": counts[FAILS],
        "open": len(audit.checks) - counts[HOLDS] - counts[FAILS],
        "failed": [check.id[:40] for check in audit.checks if check.result == FAILS][:20],
        "sample": None if audit.sample is None else audit.sample.count,
    }
