"""Audit what this home holds, with what its catalog knows beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from registry.catalog.queries.signed_records import entries
from registry.core import records
from registry.core.errors import EmotionetError, NotFound
from registry.core.ipld.cid import CID
from registry.core.ports.anchor import Anchors
from registry.core.run_view import draw_view
from registry.provenance.checks.report import Report
from registry.provenance.checks.run_levels import OnCheck, ignore_check, levels_up_to, run_checks
from registry.provenance.checks.target.subject import Subject
from registry.workflows.audit.audit_file import StoredFiles
from registry.workflows.base_weights import known_trainings
from registry.workflows.local_issuers import is_local
from registry.workflows.log.forks import forks_of
from registry.workflows.log.linked_entries import (
    changes_of_keys,
    contribution_entries,
    covering_evidence,
    first_entry,
    newest_anchored,
)
from registry.workflows.parts import Parts
from registry.workflows.withdrawals.withdrawal_entries import withdrawals_of


def audit_held(
    parts: Parts,
    cid: CID,
    *,
    level: int | None,
    issuer: str | None,
    offline: bool,
    chain: Anchors | None,
    room: Callable[[Subject], None],
    on_check: OnCheck = ignore_check,
) -> Report:
    """Audit what this home holds, with the evidence, the log's first entry and the withdrawals that it knows."""
    if not parts.store.has(cid):
        raise NotFound(f"{cid} is not held here", hint="give a CAR file of it, or import it.")
    with parts.catalog.read() as db:
        record = entries.record_of(db, cid)
    entry = cid if record != cid else entry_audited(parts, record, issuer)
    own = covering_evidence(parts, entry)
    subject = Subject(
        get=parts.store.get,
        files=StoredFiles(parts.store),
        entry=entry,
        record=record,
        roots=[entry or record],
        in_part=not _is_own(parts, entry),
        newest=newest_anchored(parts, own),
        evidence=[*own, *_plans_evidence(parts, record, own)],
        log_entries=[
            *first_entry(parts, entry),
            *changes_of_keys(parts, entry),
            *_contributions(parts, record),
            *withdrawals_of(parts, record, entry),
        ],
        chain=chain,
        offline=offline,
        issuer=issuer,
        method=parts.method,
        trust=parts.trust,
        trainings_of=partial(known_trainings, parts),
    )
    room(subject)
    report = run_checks(subject, levels_up_to(level), on_check)
    report.forks = [] if report.issuer is None else forks_of(parts, [report.issuer])
    return report


def _is_own(parts: Parts, entry: CID | None) -> bool:
    """Whether this home signed the target: then it has all of it, and what is missing was lost."""
    with parts.catalog.read() as db:
        issuer = None if entry is None else entries.issuer_of(db, entry)
    return issuer is None or is_local(parts, issuer)


def _contributions(parts: Parts, record: CID) -> list[CID]:
    """The entries that say whose labels a release rests on."""
    try:
        release = records.parse_as(records.Release, parts.store.get(record))
        return contribution_entries(parts, draw_view(parts.store.get, release.draw).snapshot)
    except EmotionetError:  # it is none, or something is missing: the checks name it
        return []


def entry_audited(parts: Parts, record: CID, issuer: str | None) -> CID | None:
    """Who says a record: the one who is asked for, who signed a release's plan, or the first of anybody. Anyone can
    sign somebody's record again, and say that it was earlier."""
    with parts.catalog.read() as db:
        plan = _plan_entry(parts, record)
        signers = [issuer, entries.issuer_of(db, plan) if plan else None]
        found = [entries.entry_of(db, record, one) for one in signers if one is not None]
        return next((one for one in found if one is not None), None) or entries.entry_of(db, record, None)


def _plan_entry(parts: Parts, record: CID) -> CID | None:
    """The plan's entry of a release; None of anything else."""
    try:
        return records.parse_as(records.Release, parts.store.get(record)).plan_entry
    except EmotionetError:
        return None


def _plans_evidence(parts: Parts, record: CID, own: list[CID]) -> list[CID]:
    return [cid for cid in covering_evidence(parts, _plan_entry(parts, record)) if cid not in own]
