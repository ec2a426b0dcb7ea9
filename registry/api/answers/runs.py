"""Types of answers about runs and plans."""

from __future__ import annotations

from typing import Literal

from registry.api.answers.parts import (
    Anchor,
    Answer,
    Cid,
    Claim,
    Count,
    Counts,
    Did,
    Figures,
    Note,
    Time,
    Withdrawal,
)

Status = Literal["queued", "running", "completed", "failed", "cancelled"]


class Fold(Answer, frozen=True):
    """One fold of a run; -1 is the refit on all images."""

    fold: int
    status: Status
    epochs: int | None
    tensors: str | None


class RunLine(Answer, frozen=True):
    """A run as lists give it."""

    run: str
    recipe: str
    plan: Cid | None
    draw: Cid | None
    snapshot: Cid
    status: Status
    kept: Count | None
    dropped: Counts | None
    release: Cid | None
    error: str | None
    folds: list[Fold]
    names: list[str]
    withdrawn: list[Withdrawal]


class Run(RunLine, frozen=True):
    """A run with what came of it, and the command that goes on."""

    metrics: Figures | None
    unseen: Figures | None
    seen: Figures | None
    claims: list[Claim] | None
    notes: list[Note] | None
    next: str


class Plan(Answer, frozen=True):
    """What somebody signed before training, and the releases that followed."""

    plan: Cid
    entry: Cid
    issuer: Did
    published_by: str
    time: Time
    days: Count
    snapshot: Cid
    recipe: str
    claims: list[str]
    anchor: Anchor
    releases: list[Cid]
