"""What must be said to whoever is about to use a record, whatever they use it for: it was taken back, an audit that is
kept here found a release's records broken, or the log of who published it forks.

Invariants: nobody audits for it; of a record of which no such thing is known nothing is said. Sentences in English, one
line each.
"""

from __future__ import annotations

from collections.abc import Iterator

from registry.catalog.queries import kept_audits
from registry.catalog.queries.signed_records import entries, releases, snapshots
from registry.core.ipld.cid import CID
from registry.provenance.checks.report import BROKEN
from registry.provenance.checks.results import FAILS
from registry.workflows.log.forks import forks_of
from registry.workflows.parts import Parts
from registry.workflows.releases.verdicts import kept_report
from registry.workflows.withdrawals.withdrawn import sentences, withdrawals_of

OF_A_SNAPSHOT = "4.items"  # the check whose failure is the snapshot's own
LOOKED_AT = 20  # releases of a snapshot


def warnings_of(parts: Parts, cid: CID) -> list[str]:
    """What is known against a release or a snapshot, by its CID or its entry's; nothing of anything else."""
    with parts.catalog.read() as db:
        record = entries.record_of(db, cid)
        row = releases.find(db, record)
    found = sentences(withdrawals_of(parts, record))
    if row is None:
        return [*found, *_of_snapshot(parts, record)]
    return [*found, *(one["text"]["en"] for one in forks_of(parts, [row["issuer"]])), *_of_release(parts, record)]


def _of_release(parts: Parts, release: CID) -> Iterator[str]:
    kept = kept_report(parts, release)
    if kept is not None and kept["report"]["records"] == BROKEN:
        said = kept["report"]["verdict"]["short"]["en"]
        yield f"BROKEN: the audit that is kept here found this release's records broken. {said}"


def _of_snapshot(parts: Parts, snapshot: CID) -> Iterator[str]:
    """One of the newest releases made from it of which an audit found that the snapshot's items do not follow."""
    with parts.catalog.read() as db:
        made = snapshots.releases_of(db, [str(snapshot)], LOOKED_AT).get(str(snapshot), [])
        kept = kept_audits.newest_reports(db, made)
    for release, audit in sorted(kept.items()):
        if any(one["id"] == OF_A_SNAPSHOT and one["result"] == FAILS for one in audit["report"]["checks"]):
            yield (
                f"BROKEN: the audit that is kept here of the release {release} found that this snapshot's images and "
                f"labels do not follow from what it names ({OF_A_SNAPSHOT})"
            )
            return
