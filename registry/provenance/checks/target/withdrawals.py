"""Withdrawals, and which of them count: those by the issuer who registered an image or signed the target, or by the
contributor of the image's label.

Invariants: only a signed entry counts, and its signature is verified here; a record without an entry, or a stranger's
entry, has no effect.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from registry.core import log, records
from registry.core.errors import EmotionetError, NewerVersion
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.provenance.checks.target.subject import Subject


class Withdrawn(NamedTuple):
    """A withdrawal's entry, who signed it, and what it says."""

    entry: CID
    issuer: str
    record: records.Withdrawal


def signed(subject: Subject) -> Iterator[Withdrawn]:
    """Every withdrawal at hand whose entry is signed by whom it says."""
    for cid, entry in subject.entries.items():
        try:
            record = subject.signed_record(entry)
        except NewerVersion as error:
            if error.kind == "withdrawal":
                raise
            continue
        if not isinstance(record, records.Withdrawal):
            continue
        try:
            log.verify_entry(entry)
        except EmotionetError:
            continue  # 2.signatures says why
        yield Withdrawn(cid, entry.issuer, record)


class Withdrawals:
    """All withdrawals at hand, by what they take back."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._by_target: dict[bytes, list[Withdrawn]] = {}
        for one in signed(subject):
            self._by_target.setdefault(one.record.target, []).append(one)
        self._registered: dict[str, frozenset[bytes]] = {}

    def __iter__(self) -> Iterator[Withdrawn]:
        return (one for found in self._by_target.values() for one in found)

    def of_image(self, sha256: bytes, names: Collection[bytes], contributors: Collection[str]) -> Withdrawn | None:
        """The withdrawal of an image (by sha256, or by one of its CIDs' bytes) by one who may: the target's issuer, one
        of its contributors, or the issuer of a contribution that holds it."""
        for one in (found for name in (sha256, *names) for found in self._by_target.get(name, ())):
            if one.issuer == self._subject.signer or one.issuer in contributors:
                return one
            if sha256 in self._registered_by(one.issuer):
                return one
        return None

    def of_target(self) -> list[tuple[str, Withdrawn]]:
        """Withdrawals by the target's issuer of the target, its entry, or its snapshot, with the type of each."""
        subject = self._subject
        names = {bytes(subject.record): subject.type or "target"}
        if subject.entry is not None:
            names[bytes(subject.entry)] = subject.type or "target"
        if subject.is_release:
            names[bytes(subject.release.preprocessing.snapshot)] = "snapshot"
        found = ((kind, one) for name, kind in names.items() for one in self._by_target.get(name, ()))
        return [(kind, one) for kind, one in found if one.issuer == subject.signer]

    def _registered_by(self, issuer: str) -> frozenset[bytes]:
        """The images in the snapshot's contributions of this issuer."""
        if issuer not in self._registered:
            self._registered[issuer] = frozenset(self._rows_of(issuer))
        return self._registered[issuer]

    def _rows_of(self, issuer: str) -> Iterator[bytes]:
        subject = self._subject
        for cid in subject.snapshot.contributions:
            contribution = records.parse_as(records.Contribution, subject.get(cid))
            if contribution.issuer == issuer:
                for row in tables.rows_as_dicts(contribution.rows, subject.get):
                    yield row["sha256"]


def taken_back(subject: Subject) -> list[dict[str, str]]:
    """What was taken back of the target, by whoever may: ``what, issuer, effective, reason, remedy``."""
    return [_told(what, one) for what, one in valid_withdrawals(subject)]


def valid_withdrawals(subject: Subject) -> list[tuple[str, Withdrawn]]:
    """The withdrawals that count, each with what it takes back: the target, its snapshot, or images of that."""
    found = Withdrawals(subject)
    counted = found.of_target()
    if not (subject.is_release or subject.is_snapshot) or not any(found):
        return counted
    for row in tables.rows_as_dicts(subject.snapshot.items, subject.get):
        one = found.of_image(row["sha256"], [bytes(row["image"])], row["contributors"])
        if one is not None:
            counted.append((f"image {row['sha256'].hex()}", one))
    return counted


def _told(what: str, one: Withdrawn) -> dict[str, str]:
    said = one.record
    fields = {"effective": said.effective, "reason": said.reason, "remedy": said.remedy}
    return {"what": what, "issuer": one.issuer, **fields}
