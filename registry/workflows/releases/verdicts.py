"""The verdict on releases of the catalog, from their records alone: nobody audits them for it, and the verdict says so.

Invariants: a list's verdict is the short form and reads no table; a stranger's release that can't be read has none. How
many persons a release's images show never changes, so it is counted once a process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.run_view import ReleaseView, release_view
from registry.evaluation.sentences import LANGUAGES
from registry.evaluation.verdict import refuted, short, verdict_of
from registry.provenance.checks.results import guarded
from registry.provenance.verdict_facts import People, people, release_facts
from registry.workflows.parts import Parts

COUNTED = 100_000  # images of a release up to which persons are counted where nobody audits: a page must not wait
_counted: dict[CID, People | None] = {}


def people_of_release(parts: Parts, view: ReleaseView) -> People | None:
    """Persons and groups of a release's judged images; None where there are more than ``COUNTED``, or can't be read."""
    if view.snapshot.count > COUNTED:
        return None
    key = view.plan.preprocessing
    if key not in _counted:
        _counted[key] = guarded(lambda: people(view, parts.store.get), None)
    return _counted[key]


def with_verdicts(parts: Parts, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a list (``cid`` and ``withdrawn``), each with ``state`` and ``verdict``, the short form by language."""
    return [{**row, **_short(parts, row)} for row in rows]


def _short(parts: Parts, row: Mapping[str, Any]) -> dict[str, Any]:
    try:
        release = records.parse_as(records.Release, parts.store.get(CID.parse(row["cid"])))
        found = verdict_of(release_facts(release_view(parts.store.get, release), None, row["withdrawn"]))
    except EmotionetError:
        return {"state": None, "verdict": None, "refuted": (0, 0)}
    said = {language: short(found, language) for language in LANGUAGES}
    return {"state": found.state, "verdict": said, "refuted": refuted(one.code for one in found.parts)}
