"""Withdrawals of releases and snapshots, and of their images: shown first wherever one is listed, shown or used.

Invariants: as in an audit only those count that were made by the target's issuer, by an image's contributor, or by the
issuer of a contribution with the image that the snapshot names (``docs/format/log.md``). What this home withdrew
without a say hides the bytes here and takes nothing back. A log that came in a file counts the same, although its
entries only have their place in the catalog. Where nobody withdrew anything only the catalog is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from registry.catalog.database.database import Connection
from registry.catalog.database.sql import target_text
from registry.catalog.queries.signed_records import entries, releases, snapshots, withdrawals, withdrawn_rows
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.remedies import strongest, withdrawn_text
from registry.workflows.parts import Parts
from registry.workflows.withdrawals.who_may import may_take_back

SHOWN = 5  # images that are named; the number of the others is given
Document = dict[str, Any]


class SignedWithdrawal(NamedTuple):
    """One withdrawal: who signed it by which entry, and of what."""

    issuer: str
    entry: str
    target: str  # a CID, or a sha256 in hex
    effective: str
    reason: str
    remedy: str


def withdrawals_by(parts: Parts, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Document]]:
    """By release, what was taken back of it: ``what, issuer, effective, reason, remedy, target, entry``; whole ones
    first.

    ``rows`` have ``cid, entry, issuer, snapshot``, as ``registry.catalog.queries.signed_records.releases`` gives them.
    """
    return _by(parts, rows, "release", "release's snapshot")


def withdrawals_by_snapshot(parts: Parts, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Document]]:
    """The same by snapshot; ``rows`` have ``cid, entry, issuer`` (None both where nobody signed it)."""
    return _by(parts, [{**row, "snapshot": row["cid"]} for row in rows], "snapshot", "snapshot")


def withdrawals_of_snapshots(parts: Parts, cids: Iterable[str]) -> dict[str, list[Document]]:
    """The same, of snapshots by their CIDs, signed or not."""
    with parts.catalog.read() as db:
        found = {cid: snapshots.find(db, CID.parse(cid)) for cid in set(cids)}
    rows = [row or {"cid": cid, "entry": None, "issuer": None} for cid, row in found.items()]
    return withdrawals_by_snapshot(parts, rows)


def _by(parts: Parts, rows: Sequence[Mapping[str, Any]], whole: str, below: str) -> dict[str, list[Document]]:
    with parts.catalog.read() as db:
        signed, of_rows = known_withdrawals(parts, db), withdrawn_rows.signed(db)
        if not signed and not of_rows:
            return {}
        without = withdrawn_rows.images_without_rows(db)
        images = withdrawals.images_of(db, {one.target for one in signed})
        found = {}
        for row in rows:
            held = withdrawals.members(db, row["snapshot"], set(images.values()))
            may = may_take_back(parts, db, row["snapshot"], held)
            names = {row["snapshot"]: below, row["cid"]: whole, row["entry"]: whole}
            told = [
                *_of_records(signed, row["issuer"], names),
                *_of_images(signed, row["issuer"], {n: i for n, i in images.items() if i in held}, may),
            ]
            told += _without_rows(db, withdrawals.members(db, row["snapshot"], without), of_rows)
            if told:  # one of each thing
                found[str(row["cid"])] = strongest(told, lambda one: one["what"], lambda one: one["remedy"])
    return found


def known_withdrawals(parts: Parts, db: Connection) -> list[SignedWithdrawal]:
    """Every withdrawal in a signed entry that is known here, those that came in a file too."""
    signed = [SignedWithdrawal(**row) for row in withdrawals.indexed(db)]
    return [*signed, *_placed(parts, withdrawals.places(db))]


def known_row_withdrawals(parts: Parts, db: Connection) -> list[dict[str, str]]:
    """Every withdrawal of rows that counts and is known here, those that came in a file too, as ``withdrawn_rows``
    gives them."""
    found = withdrawn_rows.signed(db)
    for place in withdrawals.places(db):
        record = _withdrawal_at(parts, place)
        if record is None or record.issuer is None or record.contributor is None:
            continue
        if place["issuer"] in (record.issuer, record.contributor):
            one = {"signer": place["issuer"], "entry": place["entry"], "sha256": (record.target or b"").hex()}
            said = {"effective": record.effective, "reason": record.reason, "remedy": record.remedy}
            found.append({**one, "issuer": record.issuer, "contributor": record.contributor, **said})
    return found


def _withdrawal_at(parts: Parts, place: Mapping[str, str]) -> records.Withdrawal | None:
    try:
        record = records.parse(parts.store.get(CID.parse(place["record"])))
    except EmotionetError:
        return None
    return record if isinstance(record, records.Withdrawal) else None


def withdrawals_of_release(parts: Parts, release: CID) -> list[Document]:
    """The same of one release; nothing of what is no release that the catalog knows."""
    with parts.catalog.read() as db:
        row = releases.find(db, entries.record_of(db, release))
    return [] if row is None else withdrawals_by(parts, [row]).get(row["cid"], [])


def withdrawals_of(parts: Parts, cid: CID) -> list[Document]:
    """What was taken back of a release or a snapshot; nothing of anything else."""
    with parts.catalog.read() as db:
        record = entries.record_of(db, cid)
        row = snapshots.find(db, record)
        known = row is not None or releases.find(db, record) is None
    if not known:
        return withdrawals_of_release(parts, record)
    unsigned = {"cid": str(record), "entry": None, "issuer": None}
    return withdrawals_by_snapshot(parts, [row or unsigned]).get(str(record), [])


def withdrawals_among(parts: Parts, releases_: Iterable[str], snapshots_: Iterable[str]) -> dict[str, list[Document]]:
    """What was taken back of some releases and snapshots, by CID; the withdrawals are read once for all."""
    with parts.catalog.read() as db:
        if not known_withdrawals(parts, db) and not withdrawn_rows.signed(db):
            return {}
        rows = [row for cid in releases_ if (row := releases.find(db, CID.parse(cid))) is not None]
    return {**withdrawals_of_snapshots(parts, snapshots_), **withdrawals_by(parts, rows)}


def withdrawn_among(found: Iterable[Mapping[str, Any]]) -> set[str]:
    """The sha256s, in hex, of the images that withdrawals take back."""
    return {one["what"].removeprefix("image ") for one in found if one["what"].startswith("image ")}


def sentences(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Withdrawals for people, one line each."""
    whole = [one for one in found if not one["what"].startswith("image ")]
    parts = [one for one in found if one["what"].startswith("image ")]
    lines = [f"WITHDRAWN: this {withdrawn_text(one)}" for one in whole]
    lines += [f"WITHDRAWN: its {withdrawn_text(one)}" for one in parts[:SHOWN]]
    lines = [" ".join(line.split("\n")) for line in lines]  # a stranger's reason may hold more
    return lines + ([f"WITHDRAWN: {len(parts) - SHOWN} more of its images"] if len(parts) > SHOWN else [])


def short_text(found: Sequence[Mapping[str, Any]]) -> str:
    """Withdrawals in a few words, for a list; "" where there are none."""
    images = sum(one["what"].startswith("image ") for one in found)
    whole = [f"{one['what']} withdrawn" for one in found if not one["what"].startswith("image ")]
    counted = [f"{images} image{'s' if images > 1 else ''} withdrawn"] if images else []
    return ", ".join(dict.fromkeys([*whole, *counted]))


def _placed(parts: Parts, places: Iterable[Mapping[str, str]]) -> Iterator[SignedWithdrawal]:
    for place in places:
        record = _withdrawal_at(parts, place)
        if record is not None and record.whole and record.target is not None:
            yield SignedWithdrawal(
                issuer=place["issuer"],
                entry=place["entry"],
                target=target_text(record.target),
                effective=record.effective,
                reason=record.reason,
                remedy=record.remedy,
            )


def _of_records(signed: Iterable[SignedWithdrawal], issuer: str, names: Mapping[str, str]) -> Iterator[Document]:
    return (_document(names[one.target], one) for one in signed if one.target in names and one.issuer == issuer)


def _of_images(
    signed: Iterable[SignedWithdrawal], issuer: str | None, images: Mapping[str, str], may: set[tuple[str, str]]
) -> Iterator[Document]:
    for one in signed:
        sha256 = images.get(one.target)
        if sha256 is not None and (one.issuer == issuer or (sha256, one.issuer) in may):
            yield _document(f"image {sha256}", one)


def _without_rows(db: Connection, sha256s: Iterable[str], of_rows: Sequence[Mapping[str, str]]) -> Iterator[Document]:
    """Images of which nothing that was said is left, each by the first withdrawal that took some of it back."""
    for sha256 in sorted(sha256s):
        speakers = withdrawn_rows.speakers_of(db, sha256)
        for one in of_rows:
            if one["sha256"] in ("", sha256) and (one["issuer"], one["contributor"]) in speakers:
                said = {name: one[name] for name in ("effective", "reason", "remedy")}
                signed = SignedWithdrawal(issuer=one["signer"], entry=one["entry"], target=sha256, **said)
                yield _document(f"image {sha256}", signed)
                break


def _document(what: str, one: SignedWithdrawal) -> Document:
    return {"what": what, **one._asdict()}
