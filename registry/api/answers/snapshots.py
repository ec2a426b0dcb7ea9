"""Types of answers about snapshots."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from registry.api.answers.parts import Answer, Box, Cid, Count, Counts, Decimal, Did, Sha256, Time, Withdrawal


class Use(Answer, frozen=True):
    """What was demanded of rights when a snapshot was taken."""

    override: str | None
    licences: list[str]
    consent: bool


class LabelsAlike(Answer, frozen=True):
    """One label against all others; ``class``: whether it is one of the snapshot's classes."""

    label: str | None
    is_class: bool = msgspec.field(name="class")
    images: Count
    alpha: Decimal | None


class LabellersAlike(Answer, frozen=True):
    """One person beside all others who labelled the same images."""

    issuer: Did
    contributor: str
    images: Count
    agreement: Decimal
    alpha: Decimal | None


class PeopleAlike(Answer, frozen=True):
    """How far people agree who labelled the same images; null where a coefficient can't be had."""

    images: Count
    people: Count
    labels: Count
    agreement: Decimal
    kappa: Decimal | None
    kind: Literal["cohen", "fleiss", "none"]
    kappa_of: Count
    alpha: Decimal | None
    by_label: list[LabelsAlike]
    by_labeller: list[LabellersAlike]


class Snapshot(Answer, frozen=True):
    """A snapshot: counts by label, what was left out and why, what was demanded."""

    snapshot: Cid
    issuer: Did | None
    names: list[str]
    count: Count
    excluded: Counts
    unknown_labels: Counts
    query: dict[str, Any]
    rule: str
    trusted: list[list[str]]
    use: Use | None
    rights: Counts
    labels: Counts
    background: Count
    agreement: PeopleAlike | None
    withdrawn: list[Withdrawal]


class SnapshotLine(Answer, frozen=True):
    """A snapshot as lists give it."""

    cid: Cid
    count: Count
    classes: list[str]
    query: dict[str, Any]
    rule: str
    items: Cid
    excluded: Cid
    supersedes: Cid | None
    entry: Cid | None
    issuer: Did | None
    issued_at: Time | None
    withdrawn: list[Withdrawal]
    names: list[str]


class SnapshotItem(Answer, frozen=True):
    """One image of a snapshot with its class, and the boxes in pixels."""

    sha256: Sha256
    image: Cid
    size: Count
    label: int | str | None
    boxes: list[Box]
    attributes: dict[str, str]
    sources: dict[str, str]
    rights: dict[str, list[str]]
    subject: str | None
    contributors: list[str]
    licence: str | None


class Difference(Answer, frozen=True):
    """What became of one image between two snapshots."""

    change: Literal["added", "removed", "changed"]
    sha256: Sha256
    before: int | str | None
    after: int | str | None


class Block(Answer, frozen=True):
    """One block in base64."""

    cid: Cid
    data: str


class Proof(Answer, frozen=True):
    """The blocks that prove that an image is in a snapshot, or is not."""

    snapshot: Cid
    items: Cid
    sha256: Sha256
    included: bool
    row: SnapshotItem | None
    blocks: list[Block]
