"""What is said of a model that people get: its release, withdrawals, and other people's audits.

Invariant: what a withdrawal and an audit speak of is named, not linked: neither takes its target along.
"""

from __future__ import annotations

from registry.core.ipld.cid import CID
from registry.core.records.base import Part, Record
from registry.core.records.figures import Verdict


class Weights(Part, frozen=True, kw_only=True):
    """Published weights of one fold (None for a refit on all): a directory (``core.weights``), or the same model
    in a format beside the method's own."""

    fold: int | None
    format: str
    cid: CID
    tensors: str  # sha2-256 over sorted (name, dtype, shape, bytes), as "sha256:<hex>"


class Release(Record, frozen=True, kw_only=True, tag="release"):
    """A model that people get, and everything it rests on."""

    draw: CID
    plan_entry: CID
    trainings: tuple[CID, ...]
    evaluation: CID
    weights: tuple[Weights, ...]
    card: CID
    licence: str
    claims: tuple[Verdict, ...]
    supersedes: bytes | None = None  # named


class Withdrawal(Record, frozen=True, kw_only=True, tag="withdrawal"):
    """Somebody takes something back. ``target`` is named: a CID's bytes, or an image's sha256."""

    target: bytes
    reason: str
    effective: str
    replacement: bytes | None = None  # named


class AuditCheck(Part, frozen=True, kw_only=True):
    """One check's outcome: ``holds``, ``does not hold`` or ``not checked``, and why."""

    id: str
    result: str
    reason: str


class Audit(Record, frozen=True, kw_only=True, tag="audit"):
    """Anyone's verdict on a target (named)."""

    target: bytes
    levels: tuple[int, ...]
    environment: dict[str, str]
    checks: tuple[AuditCheck, ...]
    tolerance: str | None = None
