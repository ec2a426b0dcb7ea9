"""Withdrawals, and which of them count: those by the issuer who registered an image or signed the target, or by the
contributor of the image's label.

Invariants: only a signed entry counts, and its signature is verified here; a record without an entry, or a stranger's
entry, has no effect.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from registry.core import log, records
from registry.core.errors import EmotionetError, NewerVersion
from registry.core.ipld.cid import CID, RAW
from registry.core.remedies import strongest
from registry.core.table import tables
from registry.provenance.checks.target.subject import Subject


class Withdrawn(NamedTuple):
    """A withdrawal's entry, who signed it, and what it says."""

    entry: CID
    issuer: str
    record: records.Withdrawal
    issued_at: str = ""


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
            log.verify_entry(entry, subject.get)
        except EmotionetError:
            continue  # 2.signatures says why
        if subject.revoked(cid, entry) is not None:
            continue  # its key was revoked: it takes nothing back
        yield Withdrawn(cid, entry.issuer, record, entry.issued_at)


class Withdrawals:
    """All withdrawals at hand, by what they take back."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._by_target: dict[bytes, list[Withdrawn]] = {}
        self._rows: list[Withdrawn] = []
        for one in signed(subject):
            if one.record.contributor is not None:
                self._rows.append(one)
            elif one.record.whole and one.record.target is not None:
                self._by_target.setdefault(one.record.target, []).append(one)
        self._registered: dict[str, frozenset[bytes]] = {}

    def __iter__(self) -> Iterator[Withdrawn]:
        yield from (one for found in self._by_target.values() for one in found)
        yield from self._rows

    def of_image(self, sha256: bytes, names: Collection[bytes], contributors: Collection[str]) -> Withdrawn | None:
        """The withdrawal of an image (by sha256, or by one of its CIDs' bytes) by one who may, the one that asks for
        most."""
        found = strongest(self.all_of_image(sha256, names, contributors), lambda _: sha256, _remedy)
        return found[0] if found else self._of_all_rows(sha256)

    def all_of_image(
        self, sha256: bytes, names: Collection[bytes], contributors: Collection[str]
    ) -> Iterator[Withdrawn]:
        """Every one of the whole image by the target's issuer, one of its contributors, or the issuer of a contribution
        that holds it."""
        for one in (found for name in dict.fromkeys((sha256, *names)) for found in self._by_target.get(name, ())):
            is_theirs = one.issuer == self._subject.signer or one.issuer in contributors
            if is_theirs or sha256 in self._registered_by(one.issuer):
                yield one

    def of_rows(self) -> list[Withdrawn]:
        """Those of rows by one who may: the issuer of the contributions, or the contributor."""
        return [one for one in self._rows if one.issuer in (one.record.issuer, one.record.contributor)]

    def of_row(self, sha256: bytes, issuer: str, contributor: str) -> Withdrawn | None:
        """The withdrawal of what a contributor said of an image, of all that it said, or of the image, by it or by the
        issuer of the contribution: the first by time."""
        names = (sha256, bytes(CID.v1(RAW, sha256)))
        found = [one for name in names for one in self._by_target.get(name, ()) if one.issuer in (issuer, contributor)]
        found += [
            one
            for one in self._rows
            if (one.record.issuer, one.record.contributor) == (issuer, contributor)
            and one.record.target in (None, sha256)
            and one.issuer in (issuer, contributor)
        ]
        return min(found, key=lambda one: one.issued_at, default=None)

    @property
    def any_of_rows(self) -> bool:
        """Whether any may take rows back."""
        return bool(self._rows or self._by_target)

    def _of_all_rows(self, sha256: bytes) -> Withdrawn | None:
        """One of those that take back all that the snapshot's contributions say of an image; None where any is left."""
        if not self.any_of_rows:
            return None
        found = [self.of_row(sha256, *who) for who in self._said.get(sha256, ())]
        return found[0] if found and None not in found else None

    @cached_property
    def _said(self) -> dict[bytes, set[tuple[str, str]]]:
        """By image, who said something: the contribution's issuer and the contributor."""
        found: dict[bytes, set[tuple[str, str]]] = {}
        for issuer, row in self._contributed():
            found.setdefault(row["sha256"], set()).add((issuer, row["contributor"]))
        return found

    def _contributed(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every row of the snapshot's contributions, with whose it is."""
        for cid in self._subject.snapshot.contributions:
            contribution = records.parse_as(records.Contribution, self._subject.get(cid))
            for row in tables.rows_as_dicts(contribution.rows, self._subject.get):
                yield contribution.issuer, row

    def of_contributed(self) -> Iterator[Withdrawn]:
        """Those of images by one who may, whether the snapshot has the image or left it out."""
        for issuer, row in self._contributed():
            for name in (row["sha256"], bytes(row["cid"])):
                for one in self._by_target.get(name, ()):
                    if one.issuer in (self._subject.signer, issuer, row["contributor"]):
                        yield one

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
    """What is taken back: the target, its snapshot, or images of that, each with the one withdrawal that asks for
    most."""
    found = Withdrawals(subject)
    counted = strongest(found.of_target(), lambda one: one[0], lambda one: _remedy(one[1]))
    if not _has_images(subject, found):
        return counted
    for row in tables.rows_as_dicts(subject.snapshot.items, subject.get):
        one = found.of_image(row["sha256"], [bytes(row["image"])], row["contributors"])
        if one is not None:
            counted.append((f"image {row['sha256'].hex()}", one))
    return counted


def entries_that_count(subject: Subject) -> set[CID]:
    """The entries of all withdrawals by one who may, also of those that say again what another one said."""
    found = Withdrawals(subject)
    count = {one.entry for _, one in found.of_target()} | {one.entry for one in found.of_rows()}
    if _has_images(subject, found):
        count |= {one.entry for one in found.of_contributed()}
    return count | {one.entry for _, one in valid_withdrawals(subject)}


def _has_images(subject: Subject, found: Withdrawals) -> bool:
    """Whether images of the target may have been taken back."""
    return (subject.is_release or subject.is_snapshot) and any(found)


def _remedy(one: Withdrawn) -> str:
    return one.record.remedy


def _told(what: str, one: Withdrawn) -> dict[str, str]:
    said = one.record
    fields = {"effective": said.effective, "reason": said.reason, "remedy": said.remedy}
    return {"what": what, "issuer": one.issuer, **fields}
