"""What people and programs are told of a snapshot."""

from __future__ import annotations

from typing import Any

from registry.catalog.database.sql import plain
from registry.catalog.queries.signed_records import entries
from registry.core import records
from registry.core.ipld.cid import CID
from registry.provenance.checks.results import guarded
from registry.workflows.names.references import names_of
from registry.workflows.parts import Parts
from registry.workflows.snapshots.labellers_agree import MOST, labellers_agree
from registry.workflows.snapshots.snapshot_counts import counts_at_hand, keep_counts, kept_counts
from registry.workflows.store.read_content import read_as
from registry.workflows.withdrawals.withdrawn import withdrawals_of


def document(parts: Parts, snapshot: CID, compared: int = MOST) -> dict[str, Any]:
    """The document of `emotionet snapshot show --json`; ``issuer`` is None if no signed entry here names it; ``names``
    are what it is called here; ``withdrawn``: what was taken back of it and of its images
    (``registry.workflows.withdrawals.withdrawn``).

    ``Untrusted`` (``snapshot_malformed``) where its tables are not what it states.
    """
    with parts.catalog.read() as db:
        snapshot = entries.record_of(db, snapshot)
        issuer = entries.first_signer(db, snapshot)
        names = names_of(parts, db, [str(snapshot)])
    record = read_as(parts, records.Snapshot, snapshot)
    counted = kept_counts(parts, snapshot) or keep_counts(parts, snapshot)
    return {
        "snapshot": str(snapshot),
        "issuer": issuer,
        "names": names.get(str(snapshot), []),
        "count": record.count,
        "excluded": counted["excluded"],
        "unknown_labels": counted["unknown_labels"],
        "query": plain(record.query),
        **demands(record),
        "rights": counted["standing"],
        "labels": counted["labels"],
        "agreement": labellers_agree(parts, snapshot, record, compared),
        "background": counted["background"],
        "withdrawn": withdrawals_of(parts, snapshot),
    }


def rights_of(parts: Parts, snapshot: CID, record: records.Snapshot) -> dict[str, Any]:
    """What its images say of their use, for a release: whether anybody ``asked``, why those that say no are in
    (``override``), and how many say what (``counts``; None where that takes long and was not done yet, or can't be
    read)."""
    found = guarded(lambda: counts_at_hand(parts, snapshot, record.count), None)
    return {
        "asked": record.use is not None,
        "override": None if record.use is None else record.use.override,
        "counts": None if found is None else found["standing"],
    }


def demands(record: records.Snapshot) -> dict[str, Any]:
    """The rule, whom it trusts, and what was demanded of rights (``use``, None: nobody asked), for JSON."""
    use = record.use
    return {
        "rule": record.rule,
        "trusted": [{"issuer": issuer, "contributor": name} for issuer, name in record.trusted],
        "use": None
        if use is None
        else {"override": use.override, "licences": list(use.licences), "consent": use.consent},
    }
