"""Records of a training: recipe, plan, draw, the trained folds, and their evaluation.

Invariant: a plan holds all that is decided before its folds are drawn; a draw follows from its plan and its beacons.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal

from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.records.base import Part, Record
from registry.core.records.base_weights import BaseSeen, Origin
from registry.core.records.figures import Claim, GroupTest, Metric, Note, Optimistic, Overfitting, Spread, Verdict
from registry.core.records.log import Block

EVM_BLOCK = "evm-block"  # in Plan.beacons: the block of the plan's anchor
Correction = Literal["holm", "none"]  # of verdicts for attempts: registry.evaluation.correction
REFIT = "refit"  # Plan.final: the published weights are trained on all images, and judged by none


class LossNames(Part, frozen=True, kw_only=True):
    """The names in a HISTORY row's values whose sum is the epoch's loss, in training and on the judged images."""

    training: tuple[str, ...] = ()  # empty: the method tells none
    validation: tuple[str, ...] = ()


class MethodRef(Part, frozen=True, kw_only=True):
    """Which training method, by its entry point's name and version, and what it says of itself.

    ``licence`` (SPDX) is that of the weights that it trains, ``library`` what trains and runs them and ``task`` what
    they do, both as model hubs call it.
    """

    id: str  # name of its entry point, such as yolov8
    version: str
    licence: str  # SPDX, of the weights that it trains
    library: str | None  # that trains and runs them; None where hubs know none
    task: str  # as model hubs call it
    losses: LossNames


class EvmBlock(Block, frozen=True, kw_only=True, tag_field="kind", tag="evm-block"):
    """A beacon: the block in which the plan's anchor lies."""

    @property
    def named(self) -> str:
        """As a plan names it in ``beacons``."""
        return EVM_BLOCK

    @property
    def value(self) -> bytes:
        """The 32 bytes that nobody knew before: the block's hash. ``InvalidInput`` (``bad_seed``) if it is none."""
        if not re.fullmatch("0x[0-9a-f]{64}", self.block_hash):
            raise InvalidInput(f"{self.block_hash[:80]!r} is no block's hash", code="bad_seed")
        return bytes.fromhex(self.block_hash[2:])


class DrandRound(Part, frozen=True, kw_only=True, tag_field="kind", tag="drand"):
    """A beacon: the first round of a drand network after the plan's anchor."""

    chain: str  # hash of the network's chain, 64 hex digits
    round: int
    signature: bytes  # of the round

    @property
    def named(self) -> str:
        """As a plan names it in ``beacons``."""
        return f"drand:{self.chain}"

    @property
    def value(self) -> bytes:
        """The round's randomness: sha2-256 of its signature."""
        return hashlib.sha256(self.signature).digest()


Beacon = EvmBlock | DrandRound


class Recipe(Record, frozen=True, kw_only=True, tag="recipe"):
    """A training recipe: data the method has checked, never code, each value as resolved. Decimals are strings."""

    name: str  # its file's
    method: str  # id of the method that reads it
    version: int  # of the method's keys (see docs/adr/0011); ``v`` is of what every recipe has
    values: dict[str, Any]  # sections (folds, evaluation, ...) with their keys; texts, integers, booleans, lists


class Environment(Record, frozen=True, kw_only=True, tag="environment"):
    """The software and kind of machine that a run was planned on: names to versions."""

    values: dict[str, str]  # versions by name


class Plan(Record, frozen=True, kw_only=True, tag="plan"):
    """All that is decided before the folds are drawn, and what the base weights have seen of the images to be judged.

    ``origin`` is None exactly where ``base`` is; ``seen``, a SEEN table, is None where nothing is known of it. From
    version 2 on the draw mixes exactly the ``beacons`` that the plan names, so that nobody drops one afterwards.
    """

    v: int = 2  # version 1 named no beacons, and bound the draw to none
    preprocessing: CID
    method: MethodRef
    recipe: CID
    code: str  # what identifies the program that trains
    environment: CID
    base: CID | None  # a weights folder; None: training begins from the architecture alone
    origin: Origin | None = None  # what is known of the base weights
    base_trainings: tuple[bytes, ...] = ()  # named: those that are known of the base weights' lineage
    seen: CID | None = None  # judged images that the base weights have seen
    seed: int  # 0 to 2^64 - 1
    metrics: tuple[str, ...]  # names of the figures that are asked for: all that there are
    groups: tuple[str, ...]  # attributes by which groups are compared: all that items have, sorted
    claims: tuple[Claim, ...]
    final: str  # the published weights: "fold:N", or "refit" for a training on all images
    beacons: tuple[str, ...] = ()  # what the draw must mix, in order: evm-block, drand:<hash of the network's chain>
    correction: Correction = "none"  # how verdicts are corrected for attempts; none of version 1


class Draw(Record, frozen=True, kw_only=True, tag="draw"):
    """Who is judged in which fold; follows from the plan and the beacons alone. ``folds`` is a FOLDS table.

    ``beacons``, in the order in which they enter the seed: what nobody knew before the plan was anchored; none where
    the plan's own seed is all (a journal is no beacon).
    """

    plan: CID
    beacons: tuple[Beacon, ...]  # in the order in which they enter the seed
    seed: bytes  # 32, as registry.core.draw says
    folds: CID  # each kept image once a repeat


class Checkpoint(Part, frozen=True, kw_only=True):
    """A training's state after an epoch, published: a folder of ``state.safetensors`` and ``state.json``.

    ``state`` is its digest (``core.tensors.checkpoint_digest``), which the history gives of that epoch too.
    """

    epoch: int
    cid: CID  # a folder
    state: str  # "sha256:<hex>"


class Training(Record, frozen=True, kw_only=True, tag="training"):
    """One fold as it really was trained. ``history`` is a HISTORY table."""

    draw: CID
    fold: int | None  # None: the refit, on all images
    arguments: dict[str, Any]  # as resolved, by the method's names
    hardware: dict[str, str]  # what it ran on
    events: tuple[dict[str, Any], ...]  # what happened on the way: a batch halved, a resume
    base: BaseSeen | None = None  # of the images that this fold judges; None: it began from the architecture alone
    weights: CID  # a weights folder
    tensors: str  # their digest
    history: CID  # losses by epoch
    checkpoints: tuple[Checkpoint, ...]  # by rising epoch; empty where the recipe keeps none
    started: str  # by the trainer's clock
    ended: str


class Evaluation(Record, frozen=True, kw_only=True, tag="evaluation"):
    """All figures: from the predictions, and ``overfitting`` from the histories of ``trainings`` (docs/metrics.md).

    Each list of figures is in the order of ``evaluation.figures.figures``; what is empty does not apply.
    """

    draw: CID
    predictions: CID  # a PREDICTIONS table: each judged image, by the fold that judged it
    trainings: tuple[CID, ...]  # those of the release, in its order
    thresholds: tuple[str, ...]  # by fold: decimals of six places
    threshold_of_all: str  # of weights that no fold judged (a refit, an average)
    metrics: tuple[Metric, ...]  # of all folds' judgements together
    per_fold: tuple[tuple[Metric, ...], ...]  # the same of each fold's judgements, by number
    per_repeat: tuple[tuple[Metric, ...], ...]  # and of each repeat's, where there are several
    spread: tuple[Spread, ...]  # how far repeats lie apart, where there are several
    unseen: tuple[Metric, ...] = ()  # of images that the base weights have not seen, and of the others:
    seen: tuple[Metric, ...] = ()  # both are empty where they have seen none, or nobody knows
    curves: CID  # a CURVES table
    confusion: tuple[tuple[int, ...], ...]  # truth x predicted; the last column is "nothing"
    several: tuple[int, ...]  # by true class: judgements with detections of more than one class
    optimistic: tuple[Optimistic, ...]  # what figures would be at the threshold that is best on these very images
    overfitting: tuple[Overfitting, ...]  # one a training, folds first, then their mean
    fairness: tuple[Metric, ...]  # by class, then by group; gaps between them
    tests: tuple[GroupTest, ...]  # groups against the rest, where attributes were declared
    verdicts: tuple[Verdict, ...]  # on the plan's claims, in their order
    notes: tuple[Note, ...]  # what the figures do not say; the first: by what groups were compared
