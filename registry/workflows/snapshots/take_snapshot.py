"""Freeze the catalog's labels into a snapshot: an immutable set of images with one label each.

Invariants: the same rows, classes and query give the same snapshot in whatever order the rows came. Every item follows
from the contributions that the snapshot names, by the rule that it states.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import nullcontext, suppress
from typing import Any

from registry.catalog.database.database import Connection
from registry.catalog.index.snapshot_members import index_ahead
from registry.catalog.queries.labeled_images.rows import (
    contributions_in_log_order,
    contributors_named,
    contributors_query,
    current_rows,
    rows_aside,
)
from registry.catalog.queries.signed_records import entries
from registry.catalog.queries.signed_records.withdrawals import withdrawn_images
from registry.catalog.queries.signed_records.withdrawn_rows import without
from registry.core import records
from registry.core.errors import InvalidInput, NotFound, UsageError
from registry.core.ipld.cid import CID
from registry.core.issuers import read_issuer
from registry.core.log import Signer
from registry.core.ports.store import missing_from
from registry.core.snapshots.classes import Classes, load_classes
from registry.core.snapshots.query import IMAGES, SNAPSHOT, SPEAKERS, check_query, choices
from registry.core.snapshots.snapshot import decided
from registry.core.snapshots.use import RESERVED
from registry.core.table import tables
from registry.core.table.build import TableWriter
from registry.workflows.log.append import append
from registry.workflows.names.set_name import check_new_name, set_name
from registry.workflows.parts import Parts
from registry.workflows.snapshots.named_images import Chosen, images_of_snapshot, named_images
from registry.workflows.snapshots.new_tables import NewTables
from registry.workflows.snapshots.snapshot_counts import keep
from registry.workflows.snapshots.snapshot_document import document
from registry.workflows.snapshots.terms import PLAIN, Terms, settled
from registry.workflows.store.read_content import read_as

BATCH = 500  # rows that are decided together
AT_ONCE = 5000  # images of a new snapshot whose labels are compared for the answer; of more when it is shown


def take_snapshot(
    parts: Parts,
    *,
    classes: str | Classes = "emociones",
    query: Mapping[str, Any] | None = None,
    terms: Terms = PLAIN,
    supersedes: CID | None = None,
    source: CID | None = None,
    signer: Signer | None = None,
    name: str | None = None,
    images: Iterable[str] | None = None,
    partial: bool = False,
    snapshot: CID | None = None,
    include_referenced: bool = False,
) -> dict[str, Any]:
    """Take a snapshot of all rows that meet ``query`` (``registry.core.snapshots.query``) by ``terms``; the document
    of `emotionet snapshot create --json`.

    ``source``: only of contributors who labelled images that came with this root, where others did too.
    ``images``: only of these, a CID or a sha256 a line (``partial``: without the lines that can't be taken);
    ``snapshot``: only of the images that this one holds. ``include_referenced``: also images whose bytes are not here,
    of which nothing can be trained until they are.
    ``signer``: this home's key unless given. ``name``: what its issuer calls it from now on.
    ``InvalidInput`` (``wrong_record_type``) or ``NotFound`` where ``supersedes`` is no snapshot that is held here;
    ``NotFound`` also where a contribution that the snapshot would name is not; ``InvalidInput``
    (``ambiguous_contributor``) for a contributor's name that several issuers use, and nothing says whose;
    ``RejectedNames`` for lines of ``images`` that can't be taken.
    """
    if name is not None:
        check_new_name(name)
    if supersedes is not None:
        read_as(parts, records.Snapshot, supersedes)
    chosen = chosen_among(parts, images, snapshot, partial)
    if source is not None:
        with parts.catalog.read() as db:
            query = contributors_query(db, source)
    new = NewTables(parts.store)
    absent = _nothing if include_referenced else not_held
    mapping = load_classes(classes) if isinstance(classes, str) else classes
    record = _frozen(parts, mapping, dict(query or {}), terms, chosen, supersedes, new, absent)
    parts.store.flush()
    index_ahead(parts.catalog, records.cid(record), record, new.members)
    taken = _publish(parts, signer or parts.key, record, name, whole=not include_referenced)
    keep(parts, taken, new.tally.document(record.classes))
    done = document(parts, taken, compared=AT_ONCE)
    return {**done, "rejected": [one._asdict() for one in chosen.rejected]} if images is not None and chosen else done


def _publish(parts: Parts, signer: Signer, record: records.Snapshot, name: str | None, *, whole: bool) -> CID:
    """Sign the record, and keep all that it reaches, as far as that is here where it need not be ``whole``."""
    appended = append(parts, signer, record)
    with nullcontext() if whole else suppress(NotFound):
        parts.store.pin(appended.entry)  # which needs all that it reaches
    if name is not None:
        set_name(parts, signer, name, appended.record)
    return appended.record


def chosen_among(parts: Parts, images: Iterable[str] | None, snapshot: CID | None, partial: bool) -> Chosen | None:
    """The images that a snapshot is chosen among, as ``take_snapshot`` is told them; None: all."""
    if images is not None and snapshot is not None:
        raise UsageError(
            "images are named, and a snapshot too", hint="choose from one of both; a filter may be given with either."
        )
    if snapshot is not None:
        return images_of_snapshot(parts, snapshot)
    if images is None:
        return None
    with parts.catalog.read() as db:
        return named_images(db, images, partial=partial)


def _frozen(
    parts: Parts,
    mapping: Classes,
    query: dict[str, Any],
    terms: Terms,
    chosen: Chosen | None,
    supersedes: CID | None,
    new: NewTables,
    absent: Callable[[Parts, Iterable[Mapping[str, Any]]], set[bytes]],
) -> records.Snapshot:
    """The record, its tables in the store, written as rows come. ``InvalidInput`` (``empty``) where no image is left
    for it. ``absent`` says which images are left out for want of their bytes."""
    named: set[CID] = set()
    with parts.catalog.read() as db:
        query = with_issuer(db, query)
        by, filtered = settled(db, terms), bool(query)
        withdrawn = withdrawn_images(db)
        for together in _images_together(current_rows(db, query, None if chosen is None else chosen.sha256s)):
            named.update(row["contribution"] for row in together)
            rows = without(together, withdrawn)
            aside = rows_aside(db, together) if filtered else {}
            aside = {sha256: without(found, withdrawn) for sha256, found in aside.items()}
            missing = absent(parts, rows)
            new.take(decided(rows, mapping, withdrawn=withdrawn, missing=missing, aside=aside, **by.arguments()))
        contributions = contributions_in_log_order(db, set(map(str, named)))
    if not any(label is not None for label in new.tally.labels):
        raise InvalidInput(
            "no image with a label of these classes is left for the snapshot",
            code="empty",
            hint=_way_out(new.tally.reasons),
        )
    _check_held(parts, contributions)
    return records.Snapshot(
        items=new.items.end(),
        count=new.items.count,
        classes=mapping.names,
        aliases=mapping.aliases,
        query={**query, **_listed(parts, chosen)},
        **by.arguments(),
        contributions=tuple(contributions),
        excluded=new.excluded.end(),
        supersedes=bytes(supersedes) if supersedes else None,
    )


def _listed(parts: Parts, chosen: Chosen | None) -> dict[str, Any]:
    """The parts of the query that say which images were chosen."""
    if chosen is None:
        return {}
    table = TableWriter(records.CHOSEN, parts.store.put_own)
    for sha256 in chosen.sha256s:
        table.add([sha256])
    return {IMAGES: table.end(), **({SNAPSHOT: str(chosen.snapshot)} if chosen.snapshot else {})}


def _images_together(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Some hundred rows at a time, those of an image never apart."""
    batch: list[dict[str, Any]] = []
    for row in rows:
        if len(batch) >= BATCH and batch[-1]["sha256"] != row["sha256"]:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _way_out(reasons: Container[str]) -> str:
    """What to do where nothing is left."""
    if RESERVED in reasons:
        return "some say no of their use: see `emotionet images list --rights any`, or override it with a reason."
    return "import labeled images, widen the filter, or map their labels to classes (classes)."


def _nothing(parts: Parts, rows: Iterable[Mapping[str, Any]]) -> set[bytes]:
    return set()


def not_held(parts: Parts, rows: Iterable[Mapping[str, Any]]) -> set[bytes]:
    """The sha256s of images whose bytes are not in the store."""
    asked = {CID.decode(row["cid"]): row["sha256"] for row in rows}
    return {asked[cid] for cid in missing_from(parts.store, list(asked))}


def with_issuer(db: Connection, query: dict[str, Any]) -> dict[str, Any]:
    """A query by contributor, completed with the issuer: the same name under two issuers is two contributors."""
    check_query(query)
    if "issuer" in query:
        meant = query["issuer"]
        query = {**query, "issuer": read_issuer(meant) if isinstance(meant, str) else list(map(read_issuer, meant))}
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
            contribution = records.parse_as(records.Contribution, parts.store.get(cid))
            tables.check_present(contribution.rows, parts.store)
        except NotFound as error:
            with parts.catalog.read() as db:
                issuer = entries.first_signer(db, cid)
            raise NotFound(
                f"the contribution {cid} of {issuer} labels these images, but parts of it are not held here",
                hint=f"get it: run `emotionet export {cid} -o it.car` there and `emotionet import it.car --hold` here.",
            ) from error
