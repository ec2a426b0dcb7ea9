"""Where one image is used: the snapshots that hold it or leave it out, what cleaning made of it, and what each
release's model said of it.

Invariants: of every table the one row of this image is read, never the whole; a record that is not held here, or is
malformed, is named with what is known of it, and the reason in ``trouble``; no more than ``MOST`` of each are read,
newest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from registry.catalog.queries.labeled_images import image_uses as queries
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.run_view import ReleaseView, release_view
from registry.core.snapshots import checked_tables as snapshot_tables
from registry.core.table import tables
from registry.workflows.parts import Parts
from registry.workflows.snapshots.near_duplicates import COPY
from registry.workflows.store.read_content import read_as
from registry.workflows.withdrawals.withdrawn import withdrawals_among

MOST = 10
Document = dict[str, Any]


def snapshots_of(parts: Parts, sha256: bytes) -> list[Document]:
    """``snapshot, time, issuer, excluded, label, reason, detail, trouble``; label and reason None where not known."""
    with parts.catalog.read() as db:
        found = queries.snapshots_of(db, sha256.hex(), MOST)
    return [{**row, **_item(parts, CID.parse(row["snapshot"]), sha256, row["excluded"])} for row in found]


def _item(parts: Parts, cid: CID, sha256: bytes, excluded: bool) -> Document:
    outcome: Document = {"label": None, "reason": None, "detail": None, "trouble": None}
    try:
        snapshot = read_as(parts, records.Snapshot, cid)
        snapshot_tables.check_heads(snapshot, parts.store.get)
        if excluded:
            row = tables.find(snapshot.excluded, (sha256,), parts.store.get)
            return outcome if row is None else {**outcome, "reason": str(row[1]), "detail": str(row[2] or "")}
        row = tables.find(snapshot.items, (sha256,), parts.store.get)
        return outcome if row is None else {**outcome, "label": snapshot_tables.item(snapshot, row)["label"]}
    except EmotionetError as error:
        return {**outcome, "trouble": str(error)}


def cleaned(parts: Parts, sha256: bytes) -> list[Document]:
    """What cleaning did with it: ``preprocessing, snapshot, runs, reason`` (None: kept), ``measured, copy_of``."""
    with parts.catalog.read() as db:
        found = queries.preprocessings_of(db, sha256.hex(), MOST)
    outcomes = [(row, _cleaning(parts, row["preprocessing"], sha256)) for row in found]
    return [{**row, **outcome} for row, outcome in outcomes if outcome is not None]


def _cleaning(parts: Parts, preprocessing: str, sha256: bytes) -> Document | None:
    try:
        record = read_as(parts, records.Preprocessing, CID.parse(preprocessing))
        row = _row(parts, record.output, sha256)
    except EmotionetError:
        return None
    if row is None:
        return None
    copy = COPY.fullmatch(str(row["measured"] or "")) if row["reason"] else None
    return {"reason": row["reason"], "measured": row["measured"], "copy_of": copy[1] if copy else None}


def _row(parts: Parts, table: CID, sha256: bytes) -> Mapping[str, Any] | None:
    found = tables.find(table, (sha256,), parts.store.get)
    return None if found is None else dict(zip(tables.read(table, parts.store.get).shape.columns, found, strict=True))


def releases_with(parts: Parts, sha256: bytes, most: int = MOST) -> list[Document]:
    """Releases of snapshots with the image: ``release, time, issuer, recipe, withdrawn``; ``trained``, whether their
    models were trained on it (None: not known here), and ``dropped``, why cleaning left it out (None: it did not)."""
    with parts.catalog.read() as db:
        found = queries.releases_of(db, sha256.hex(), most)
    back = withdrawals_among(parts, (row["release"] for row in found), ())
    return [
        {
            **row,
            "withdrawn": any(one["what"] == "release" for one in back.get(row["release"], ())),
            **_trained(parts, CID.parse(row["release"]), sha256),
        }
        for row in found
    ]


def _trained(parts: Parts, cid: CID, sha256: bytes) -> Document:
    try:
        view = release_view(parts.store.get, read_as(parts, records.Release, cid))
    except EmotionetError:
        return {"trained": None, "dropped": None}
    outcome = _cleaning(parts, str(view.plan.preprocessing), sha256)
    if outcome is None:
        return {"trained": None, "dropped": None}
    return {"trained": outcome["reason"] is None, "dropped": outcome["reason"]}


def predictions_of(parts: Parts, sha256: bytes) -> list[Document]:
    """What releases' models said when they judged it: ``release, time, issuer, recipe, trained, dropped, said,
    trouble``.

    ``said``, once a repeat: ``fold, truth, predicted`` (labels; ``predicted`` None: nothing found), ``score`` (six
    decimal places) and ``right``; empty where the release's cleaning dropped the image.
    """
    return [{**row, **_judged(parts, CID.parse(row["release"]), sha256)} for row in releases_with(parts, sha256)]


def _judged(parts: Parts, cid: CID, sha256: bytes) -> Document:
    try:
        view = release_view(parts.store.get, read_as(parts, records.Release, cid))
        return {"said": list(_said(parts, view, sha256)), "trouble": None}
    except EmotionetError as error:
        return {"said": [], "trouble": str(error)}


def _said(parts: Parts, view: ReleaseView, sha256: bytes) -> Iterator[Document]:
    classes, thresholds = view.snapshot.classes, view.evaluation.thresholds
    for row in tables.after(view.evaluation.predictions, (sha256, -1), parts.store.get):
        found, fold, truth, _, detections = row
        if found != sha256:
            return
        threshold = round(float(thresholds[fold]) * 1_000_000)
        best = next((one for one in detections if one[1] >= threshold), None)
        label = None if best is None else classes[best[0]]
        yield {
            "fold": fold,
            "truth": None if truth is None else classes[truth],
            "predicted": label,
            "score": None if best is None else f"{best[1] / 1_000_000:.6f}",
            "right": label == (None if truth is None else classes[truth]),
        }
