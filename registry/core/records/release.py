"""Records about a published model: its release, withdrawals, audits by others.

Invariant: what a withdrawal and an audit speak of is named, not linked: neither takes its target along.
"""

from __future__ import annotations

from typing import Literal

from registry.core.ipld.cid import CID
from registry.core.records.base import Part, Record
from registry.core.records.figures import Verdict
from registry.core.records.training import Beacon
from registry.core.remedies import REMEDIES as REMEDIES
from registry.core.remedies import Remedy as Remedy


class Weights(Part, frozen=True, kw_only=True):
    """Published weights of one fold (None for a refit on all): a directory (``core.weights``), or the same model
    in a format beside the method's own."""

    fold: int | None
    format: str  # safetensors, onnx, or the method's own
    cid: CID  # a folder
    tensors: str  # sha2-256 over sorted (name, dtype, shape, bytes), as "sha256:<hex>"


class Attempts(Part, frozen=True, kw_only=True):
    """How many plans of this issuer, signed before the release, claim the same of mostly the same images
    (``provenance.attempts`` says which do), and which of them, from 1 in the log's order, the release's is."""

    count: int
    number: int


class Release(Record, frozen=True, kw_only=True, tag="release"):
    """A model that people get, and everything it rests on."""

    draw: CID
    plan_entry: CID  # the entry by which the issuer said the plan before its folds were drawn
    trainings: tuple[CID, ...]  # folds by number, then the refit
    evaluation: CID
    weights: tuple[Weights, ...]  # of every training; the plan's ``final`` says which people get
    card: CID  # a file: made of all the others
    licence: str  # of the weights
    claims: tuple[Verdict, ...]  # those of the evaluation, corrected for attempts as the plan says
    attempts: Attempts
    supersedes: bytes | None = None  # named


class Withdrawal(Record, frozen=True, kw_only=True, tag="withdrawal"):
    """Somebody takes something back. ``target`` is named: a CID's bytes, or an image's sha256.

    With ``issuer`` and ``contributor`` it is what this contributor said, in contributions of this issuer, of the image
    whose sha256 ``target`` is; without a target, of every image. Version 1 had
    neither. What names half of a row takes nothing back.

    ``remedy`` is what the signer asks for: that it is known (``notice``), that the bytes go (``remove_bytes``),
    that models are trained again without it (``retrain``).
    """

    v: int = 2
    target: bytes | None  # named: a CID, or 32 bytes: an image's sha256; None: all that the contributor said
    reason: str  # in words, at most 2,000 characters
    remedy: Remedy
    effective: str  # from when on
    replacement: bytes | None = None  # named: what to take instead; None for nothing
    issuer: str | None = None  # of the contributions
    contributor: str | None = None  # whose rows, by the issuer's name for them

    @property
    def whole(self) -> bool:
        """Whether it takes back all of its target, not rows of it; what names half of a row takes nothing back."""
        return self.target is not None and self.issuer is None and self.contributor is None


class AuditCheck(Part, frozen=True, kw_only=True):
    """One check's outcome, and why. ``tolerance``: how far apart what was found and what is stated may lie, in the
    check's own words; None where they must be equal."""

    id: str  # such as 1.blocks
    result: Literal["holds", "does not hold", "not checked"]
    reason: str
    tolerance: str | None


class AuditSample(Part, frozen=True, kw_only=True):
    """What was drawn of images and predictions that are too many to look at all: ``core.sampling``."""

    count: int  # at most
    seed: bytes  # 32 bytes, from the beacon and the target's entry


class Audit(Record, frozen=True, kw_only=True, tag="audit"):
    """Anyone's verdict on a target (named).

    ``beacon`` chose the samples of whatever was not looked at whole (images, folds), so that the auditor did not; None
    where nothing was sampled, or the auditor chose the seed.
    """

    target: bytes  # named: a CID, or 32 bytes: an image's sha256
    levels: tuple[int, ...]  # those that were asked for, rising
    environment: dict[str, str]  # software of the auditor, names to versions
    checks: tuple[AuditCheck, ...]
    beacon: Beacon | None
    sample: AuditSample | None = None  # None: all was looked at
    v: int = 2
