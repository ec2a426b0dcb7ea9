"""Freeze the catalog's labels into a snapshot: an immutable set of images with one label each.

Invariants: the same rows, classes and query give the same snapshot in whatever order the rows came. Every item follows
from the contributions that the snapshot names, by the rule that it states.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import Any

from registry.catalog.queries.labeled_images.rows import (
    contributions_in_log_order,
    contributors_named,
    contributors_query,
    current_rows,
    rows_aside,
)
from registry.catalog.queries.signed_records import entries
from registry.catalog.queries.signed_records.withdrawals import withdrawn_images
from registry.catalog.schema.database import Connection
from registry.core import records
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_present
from registry.core.log import Signer
from registry.core.snapshots.classes import Classes, load_classes
from registry.core.snapshots.query import SPEAKERS, check_query, choices
from registry.core.snapshots.snapshot import select
from registry.core.snapshots.use import RESERVED
from registry.core.table import tables
from registry.workflows.log.append import append
from registry.workflows.names.references import names_of
from registry.workflows.names.set_name import check_new_name, set_name
from registry.workflows.parts import Parts
from registry.workflows.snapshots.snapshot_counts import count
from registry.workflows.snapshots.terms import PLAIN, Terms, settled
from registry.workflows.store.read_content import read_as
from registry.workflows.withdrawals.withdrawn import withdrawals_of

_LABEL = records.SNAPSHOT_ITEMS.columns.index("label")


def take_snapshot(
    parts: Parts,
    *,
    classes: str = "emociones",
    query: Mapping[str, Any] | None = None,
    terms: Terms = PLAIN,
    supersedes: CID | None = None,
    source: CID | None = None,
    signer: Signer | None = None,
    name: str | None = None,
    include_referenced: bool = False,
) -> dict[str, Any]:
    """Take a snapshot of all rows that meet ``query`` (``registry.core.snapshots.query``) by ``terms``; the document
    of `emotionet snapshot create --json`.

    ``source``: only of contributors who labelled images that came with this root, where others did too.
    ``signer``: this home's key unless given. ``name``: what its issuer calls it from now on. ``include_referenced``:
    also images whose bytes are not here, of which nothing can be trained until they are.
    ``InvalidInput`` (``wrong_record_type``) or ``NotFound`` where ``supersedes`` is no snapshot that is held here;
    ``NotFound`` also where a contribution that the snapshot would name is not; ``InvalidInput``
    (``ambiguous_contributor``) for a contributor's name that several issuers use, and nothing says whose.
    """
    if name is not None:
        check_new_name(name)
    if supersedes is not None:
        read_as(parts, records.Snapshot, supersedes)
    record = _frozen(parts, load_classes(classes), query, terms, source, supersedes, include_referenced)
    parts.store.flush()
    signer = signer or parts.key
    appended = append(parts, signer, record)
    with suppress(NotFound) if include_referenced else nullcontext():
        parts.store.pin(appended.entry)  # which needs all that it reaches
    if name is not None:
        set_name(parts, signer, name, appended.record)
    return document(parts, appended.record)


def _frozen(
    parts: Parts,
    mapping: Classes,
    query: Mapping[str, Any] | None,
    terms: Terms,
    source: CID | None,
    supersedes: CID | None,
    include_referenced: bool,
) -> records.Snapshot:
    """The record, its tables in the store. ``InvalidInput`` (``empty``) where no image is left for it."""
    with parts.catalog.read() as db:
        query = with_issuer(db, dict(query or {}) if source is None else contributors_query(db, source))
        by = settled(db, terms)
        rows = list(current_rows(db, query))
        aside = rows_aside(db, rows) if query else {}
        withdrawn = withdrawn_images(db)
        contributions = contributions_in_log_order(db, {row["sha256"] for row in rows})
    _check_held(parts, contributions)
    missing = set() if include_referenced else not_held(parts, rows)
    items, excluded = select(rows, mapping, withdrawn=withdrawn, missing=missing, aside=aside, **by.arguments())
    if all(item[_LABEL] is None for item in items):
        raise InvalidInput(
            "no image with a label of these classes is left for the snapshot",
            code="empty",
            hint=_way_out(excluded),
        )
    return records.Snapshot(
        items=tables.build(records.SNAPSHOT_ITEMS, items, parts.store.put),
        count=len(items),
        classes=mapping.names,
        aliases=mapping.aliases,
        query=query,
        **by.arguments(),
        contributions=tuple(contributions),
        excluded=tables.build(records.EXCLUDED, excluded, parts.store.put),
        supersedes=bytes(supersedes) if supersedes else None,
    )


def _way_out(excluded: Sequence[Sequence[Any]]) -> str:
    """What to do where nothing is left."""
    if any(row[1] == RESERVED for row in excluded):
        return "some say no of their use: see `emotionet images list --rights any`, or override it with a reason."
    return "import labeled images, widen the filter, or map their labels to classes with --classes."


def not_held(parts: Parts, rows: Iterable[Mapping[str, Any]]) -> set[bytes]:
    """The sha256s of images whose bytes are not in the store."""
    return {row["sha256"] for row in rows if not parts.store.has(CID.decode(row["cid"]))}


def with_issuer(db: Connection, query: dict[str, Any]) -> dict[str, Any]:
    """A query by contributor, completed with the issuer: the same name under two issuers is two contributors."""
    check_query(query)
    if "contributor" not in query or "issuer" in query or SPEAKERS in query:
        return query
    found = contributors_named(db, choices(query["contributor"]))
    issuers = sorted({issuer for issuer, _ in found})
    if len({name for _, name in found}) < len(found):
        raise InvalidInput(
            f"several issuers have a contributor of this name, who may be different people: {', '.join(issuers)}",
            code="ambiguous_contributor",
            hint="say whose with --issuer (over HTTP: the query's issuer).",
        )
    if len(issuers) < 2:
        return {**query, "issuer": issuers[0]} if issuers else query
    rest = {name: value for name, value in query.items() if name != "contributor"}
    return {**rest, SPEAKERS: [list(one) for one in found]}


def _check_held(parts: Parts, contributions: Iterable[CID]) -> None:
    """``NotFound`` before anything is signed: homes that share a catalog may each hold only their own records."""
    for cid in contributions:
        try:
            deque(walk_present(parts.store, (cid,)), maxlen=0)
        except NotFound as error:
            with parts.catalog.read() as db:
                issuer = entries.first_signer(db, cid)
            raise NotFound(
                f"the contribution {cid} of {issuer} labels these images, but parts of it are not held here",
                hint=f"get it: run `emotionet export {cid} -o it.car` there and `emotionet import it.car --hold` here.",
            ) from error


def document(parts: Parts, snapshot: CID) -> dict[str, Any]:
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
    counted = count(record, parts.store.get)
    return {
        "snapshot": str(snapshot),
        "issuer": issuer,
        "names": names.get(str(snapshot), []),
        "count": record.count,
        "excluded": counted["excluded"],
        "unknown_labels": counted["unknown_labels"],
        **demands(record),
        "rights": counted["standing"],
        "labels": counted["labels"],
        "background": counted["background"],
        "withdrawn": withdrawals_of(parts, snapshot),
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
