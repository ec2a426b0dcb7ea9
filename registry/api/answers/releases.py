"""Types of answers about releases and models."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from registry.api.answers.parts import (
    Anchor,
    Answer,
    Cid,
    Claim,
    Count,
    Counts,
    Decimal,
    Did,
    Figures,
    Fork,
    Note,
    Said,
    Sha256,
    Time,
    Verdict,
    Withdrawal,
)


class Weights(Answer, frozen=True):
    """Weights of one fold and the digest of their tensors."""

    fold: int
    format: str
    cid: Cid
    tensors: str | None


class Attempts(Answer, frozen=True):
    """How many plans of this issuer claim the same, and which of them this one is."""

    count: Count
    number: Count
    text: Said


class Optimistic(Answer, frozen=True):
    """What a figure would be at the threshold that is best on the very images that it counts."""

    name: str
    metric: str
    of: list[str]
    group: dict[str, str]
    klass: str | None = msgspec.field(name="class")
    value: Decimal
    threshold: Decimal


class Spread(Answer, frozen=True):
    """How far a figure lies apart over repeats of the folds."""

    name: str
    metric: str
    of: list[str]
    group: dict[str, str]
    klass: str | None = msgspec.field(name="class")
    mean: Decimal
    lowest: Decimal
    highest: Decimal
    deviation: Decimal


class Overfitting(Answer, frozen=True, rename="camel"):
    """A training's losses at its last and at its best epoch."""

    name: str
    epochs: int | UnsetType | None = UNSET
    best_epoch: int | UnsetType | None = UNSET
    last_train: Decimal | UnsetType | None = UNSET
    last_val: Decimal | UnsetType | None = UNSET
    last_gap: Decimal | UnsetType | None = UNSET
    best_train: Decimal | UnsetType | None = UNSET
    best_val: Decimal | UnsetType | None = UNSET
    best_gap: Decimal | UnsetType | None = UNSET


class SeenBefore(Answer, frozen=True):
    """Of the judged images: how many the base weights were trained on, of how many persons, and near-duplicates."""

    images: Count
    persons: Count
    near_duplicates: Count


class Origin(Answer, frozen=True):
    """What is known of the images that the base weights have seen."""

    tensors: str | None
    whole: bool
    seen: SeenBefore | None


class ReleaseRights(Answer, frozen=True):
    """What its images say of their use; ``override``: why those that say no are in; ``counts``: None where they are
    many and nobody counted them yet."""

    asked: bool
    override: str | None
    counts: Counts | None


class AuditOf(Answer, frozen=True):
    """An audit of a release that somebody signed; ``failed``: the checks that did not hold; ``sample``: how many were
    drawn, None where all were looked at."""

    audit: Cid
    issuer: Did
    published_by: str
    local: bool
    time: Time | None
    levels: list[int]
    holds: Count
    fails: Count
    open: Count
    failed: list[str]
    sample: Count | None


class Release(Answer, frozen=True):
    """A release: its verdict first, who published it, what it followed from, its figures."""

    release: Cid
    names: list[str]
    verdict: Verdict
    entry: Cid
    issuer: Did
    published_by: str
    withdrawn: list[Withdrawal]
    forks: list[Fork]
    audits: list[AuditOf]
    rights: ReleaseRights
    plan: Cid
    draw: Cid
    snapshot: Cid
    preprocessing: Cid
    evaluation: Cid
    weights: list[Weights]
    final: str
    metrics: Figures
    own: Figures | None
    base_origin: Origin | None
    base_notes: list[Note]
    unseen: Figures
    seen: Figures
    thresholds: list[Decimal]
    optimistic: list[Optimistic]
    spread: list[Spread]
    overfitting: list[Overfitting]
    claims: list[Claim]
    attempts: Attempts | None
    anchor: Anchor


class ReleaseLine(Answer, frozen=True):
    """A release as lists give it; ``refuted``: of how many claims how many."""

    cid: Cid
    plan: Cid
    plan_entry: Cid
    draw: Cid
    snapshot: Cid
    preprocessing: Cid
    evaluation: Cid
    recipe_name: str
    final: str
    licence: str
    card: Cid
    supersedes: Cid | None
    entry: Cid
    issuer: Did
    issued_at: Time
    withdrawn: list[Withdrawal]
    names: list[str]
    state: str | None
    verdict: Said | None
    refuted: list[Count] | None
    forks: bool
    override: str | None


class JudgedClaims(Answer, frozen=True):
    """Claims that were judged after the fact."""

    release: Cid
    after_the_fact: bool
    note: str
    claims: list[Claim]


class ModelFile(Answer, frozen=True):
    """A file of a directory of weights."""

    name: str
    cid: Cid
    size: Count


class Model(Answer, frozen=True):
    """Weights: of which release and fold, and their files."""

    cid: Cid
    release: Cid | None
    fold: int | None
    format: str | None
    tensors: str | None
    withdrawn: list[Withdrawal]
    files: list[ModelFile]


class PictureUse(Answer, frozen=True):
    """What one signed record says of a picture; `judged` and `trained` are folds, of all repeats."""

    entry: Cid
    record: Cid
    snapshot: Cid
    kind: Literal["snapshot", "release"]
    issuer: Did
    issued_at: Time
    included: bool
    label: str | None
    excluded: str | None
    dropped: str | None
    judged: list[Count]
    trained: list[Count]
    refit: bool
    seen: str | None
    text: str


class PictureProof(Answer, frozen=True):
    """What a proof about a picture shows."""

    sha256: Sha256
    uses: list[PictureUse]
