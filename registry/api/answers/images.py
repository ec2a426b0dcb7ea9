"""Types of answers about images and names, and about blocks that came in."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from registry.api.answers.parts import Answer, Box, Cid, Count, Counts, Decimal, Did, Sha256, Time

Standing = Literal["no", "yes", "not_read", "silent"]


class Speaker(Answer, frozen=True):
    """Who gave which label: a name under an issuer."""

    issuer: Did
    contributor: str
    label: str


class Image(Answer, frozen=True, kw_only=True):
    """An image as lists give it; ``label`` is null where its newest labels differ."""

    sha256: Sha256
    cid: Cid | None
    size: Count | None
    label: str | None
    labels: Counts
    contributors: list[str]
    speakers: list[Speaker] | UnsetType = UNSET
    labellers: Count | UnsetType = UNSET
    subject: str | None
    licence: str | None
    status: Literal["referenced", "stored", "withdrawn"]
    agreement: Decimal | UnsetType | None = UNSET
    rights: dict[str, list[str]] | UnsetType = UNSET
    standing: Standing | UnsetType = UNSET


class Coming(Answer, frozen=True):
    """Whether an image's bytes are still to come, or why they were given up."""

    state: Literal["waiting", "given_up"]
    attempts: Count
    code: str | None
    reason: str | None
    since: Time
    updated: Time


class Reference(Coming, frozen=True, kw_only=True):
    """The same by the image's CID."""

    cid: Cid


class Statement(Answer, frozen=True):
    """What one contribution says of an image; ``current``: nothing newer corrects it, and it was not taken back;
    ``withdrawn``: the entry that took it back."""

    contributor: str
    label: str
    boxes: list[Box]
    attributes: dict[str, str]
    sources: dict[str, str]
    rights: dict[str, str]
    subject: str | None
    licence: str | None
    consent: str | None
    replaces: Cid | None
    signature: str | None
    contribution: Cid
    issuer: Did
    issued_at: Time
    entry: Cid
    current: bool
    withdrawn: Cid | None


class ShownImage(Image, frozen=True, kw_only=True):
    """One image with the newest of what was said about it; ``next``: the cursor of the page with what was said before,
    at its address of labels, or null."""

    history: list[Statement]
    next: str | None
    reference: Coming | None


class RowResult(Answer, frozen=True):
    """What became of one row; ``code`` and ``reason`` of a rejected one, ``note``: what was changed on the way in."""

    row: int
    cid: str | None
    sha256: Sha256 | None
    status: Literal["registered", "unchanged", "corrected", "referenced", "rejected"]
    code: str | None
    reason: str | None
    note: str | None


class Registered(Answer, frozen=True):
    """What became of all rows; ``results`` of those that were not simply registered. Without ``complete`` it was cut
    off."""

    rows: Count
    registered: Count
    unchanged: Count
    corrected: Count
    referenced: Count
    rejected: Count
    results: list[RowResult]
    complete: bool


class Relabeled(Answer, frozen=True):
    """The contribution that says the label; null where it was said before. ``note``: why it does not count."""

    sha256: Sha256
    label: str
    registered: Count
    unchanged: Count
    corrected: Count
    contribution: Cid | None
    note: str | None


class Affected(Answer, frozen=True):
    """A snapshot or a release that rests on what was withdrawn, and what becomes of it."""

    cid: Cid
    type: Literal["snapshot", "release"]
    remedy: str


class AffectedRun(Answer, frozen=True):
    """A run on such a snapshot; `stop`: it was under way, and was cancelled."""

    run: str
    status: str
    snapshot: Cid
    remedy: str


class Exported(Answer, frozen=True):
    """A file that was made here of what rests on it: who has it can only be told."""

    cid: Cid
    form: str
    time: Time
    remedy: str


class Removed(Answer, frozen=True):
    """What is gone from this registry; `files`: of the folders of its home, which can be made again without it."""

    images: Count
    blocks: Count
    files: list[str]


class Retrained(Answer, frozen=True):
    """A run that was queued again on what is left of a snapshot; `problem`: why not."""

    supersedes: Cid
    snapshot: Cid | None
    run: str | None
    problem: str | None


class Withdrawn(Answer, frozen=True):
    """A withdrawal (null of a dry run), all that it touches, and what was done. ``already``: when the same was signed
    before; it is not signed again."""

    withdrawal: Cid | None
    entry: Cid | None
    already: Time | None
    target: str
    what: str
    remedy: str
    affected: list[Affected]
    runs: list[AffectedRun]
    exported: list[Exported]
    removed: Removed | None
    retrained: list[Retrained]
