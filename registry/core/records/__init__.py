"""What is said: one frozen type a record, one canonical encoding each.

A field of type ``CID`` is a link and goes along (a record's closure is what its links reach); a
field named ``..._cid`` or documented as *named*, of type ``bytes``, holds CID bytes and is only named.
There are no floats: counts are integers, scores are integers in millionths, boxes in records are
integers in hundredths of a pixel of the upright original, metrics are decimal strings of six places.

Invariants: ``parse(encode(r)) == r``; ``parse`` refuses any bytes that ``encode`` would not have
written (every field present, no other field, canonical dag-cbor); a field that holds a time holds
RFC 3339 UTC to the second and a day that exists, checked whenever a record is made or read.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import msgspec

from registry.core.errors import InvalidInput
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.records.base import VERSION as VERSION
from registry.core.records.base import Part as Part
from registry.core.records.base import Record as Record
from registry.core.records.base import check_time as check_time
from registry.core.records.base_weights import BaseSeen as BaseSeen
from registry.core.records.base_weights import Origin as Origin
from registry.core.records.base_weights import Seen as Seen
from registry.core.records.figures import Claim as Claim
from registry.core.records.figures import Figure as Figure
from registry.core.records.figures import GroupTest as GroupTest
from registry.core.records.figures import Metric as Metric
from registry.core.records.figures import Optimistic as Optimistic
from registry.core.records.figures import Overfitting as Overfitting
from registry.core.records.figures import Spread as Spread
from registry.core.records.figures import Verdict as Verdict
from registry.core.table.columns import CONTRIBUTION_ROWS as CONTRIBUTION_ROWS
from registry.core.table.columns import CURVES as CURVES
from registry.core.table.columns import EXCLUDED as EXCLUDED
from registry.core.table.columns import FOLDS as FOLDS
from registry.core.table.columns import HISTORY as HISTORY
from registry.core.table.columns import PREDICTIONS as PREDICTIONS
from registry.core.table.columns import PREPARED as PREPARED
from registry.core.table.columns import SEEN as SEEN
from registry.core.table.columns import SNAPSHOT_ITEMS as SNAPSHOT_ITEMS


class MethodRef(Part, frozen=True, kw_only=True):
    """Which training method, by its entry point's name, and its version."""

    id: str
    version: str


class Beacon(Part, frozen=True, kw_only=True):
    """The block that draws the folds: it came after the plan was anchored."""

    chain: str
    contract: str
    transaction: str
    block_number: int
    block_hash: str
    time: str


class Weights(Part, frozen=True, kw_only=True):
    """Published weights of one fold (None for a refit on all): a directory with safetensors and model.json."""

    fold: int | None
    format: str
    cid: CID
    tensors: str  # sha2-256 over sorted (name, dtype, shape, bytes), as "sha256:<hex>"


class Contribution(Record, frozen=True, kw_only=True, tag="contribution"):
    """Labels that somebody gives to images; ``rows`` is a CONTRIBUTION_ROWS table. Append-only.

    ``issuer`` is who says it, and the only one whose entry counts for it: the contributors' names are that issuer's
    words, so a name here is not that name in another issuer's contribution.
    """

    issuer: str  # did:pkh, the entry's
    rows: CID


class Recipe(Record, frozen=True, kw_only=True, tag="recipe"):
    """A training recipe: data the method has checked, never code. Decimals are strings."""

    name: str
    method: str
    values: dict[str, Any]


class Environment(Record, frozen=True, kw_only=True, tag="environment"):
    """The software and kind of machine that a run was planned on: names to versions."""

    values: dict[str, str]


class Snapshot(Record, frozen=True, kw_only=True, tag="snapshot"):
    """An immutable set of images with one label each. ``items``: SNAPSHOT_ITEMS, ``excluded``: EXCLUDED.

    ``aliases`` says which labels as given (NFC, trimmed, casefolded) count as which class by index (-1: as a picture
    that shows nothing of any class), so that anyone can decide every item again from the contributions alone.
    """

    items: CID
    count: int
    classes: tuple[str, ...]
    aliases: dict[str, int] = msgspec.field(default_factory=dict)
    query: dict[str, Any]
    rule: str
    contributions: tuple[CID, ...]
    excluded: CID
    supersedes: bytes | None = None  # named


class Preprocessing(Record, frozen=True, kw_only=True, tag="preprocessing"):
    """What cleaning and resizing made of a snapshot; ``output`` is a PREPARED table."""

    snapshot: CID
    recipe: CID
    output: CID


class Plan(Record, frozen=True, kw_only=True, tag="plan"):
    """All that is decided before the folds are drawn, and what the base weights have seen of the images to be judged.

    ``origin`` is None exactly where ``base`` is; ``seen``, a SEEN table, is None where nothing is known of it.
    """

    preprocessing: CID
    method: MethodRef
    recipe: CID
    code: str
    environment: CID
    base: CID | None
    origin: Origin | None = None
    base_trainings: tuple[bytes, ...] = ()  # named: those that are known of the base weights' lineage
    seen: CID | None = None
    seed: int
    metrics: tuple[str, ...]
    groups: tuple[str, ...]
    claims: tuple[Claim, ...]
    final: str  # "fold:N" or "refit"


REFIT = "refit"  # Plan.final: the weights that people get are trained on all images, and judged by none


class Draw(Record, frozen=True, kw_only=True, tag="draw"):
    """Who is judged in which fold; follows from the plan and the beacon alone. ``folds`` is a FOLDS table."""

    plan: CID
    beacon: Beacon | None
    seed: bytes  # 32
    folds: CID


class Training(Record, frozen=True, kw_only=True, tag="training"):
    """One fold as it really was trained. ``history`` is a HISTORY table."""

    draw: CID
    fold: int | None
    arguments: dict[str, Any]
    hardware: dict[str, str]
    events: tuple[dict[str, Any], ...]
    base: BaseSeen | None = None  # of the images that this fold judges; None: it began from the architecture alone
    weights: CID
    tensors: str
    history: CID
    started: str
    ended: str


class Evaluation(Record, frozen=True, kw_only=True, tag="evaluation"):
    """All figures: from the predictions, and ``overfitting`` from the histories of ``trainings``.

    ``predictions``: PREDICTIONS, ``curves``: CURVES.
    """

    draw: CID
    predictions: CID
    trainings: tuple[CID, ...]  # those of the release, in its order
    thresholds: tuple[str, ...]  # by fold: decimals of six places
    threshold_of_all: str  # of weights that no fold judged (a refit, an average)
    metrics: tuple[Metric, ...]
    per_fold: tuple[tuple[Metric, ...], ...]
    per_repeat: tuple[tuple[Metric, ...], ...]  # where there are several
    spread: tuple[Spread, ...]
    unseen: tuple[Metric, ...] = ()  # of images that the base weights have not seen, and of the others:
    seen: tuple[Metric, ...] = ()  # both are empty where they have seen none, or nobody knows
    curves: CID
    confusion: tuple[tuple[int, ...], ...]  # truth x predicted; the last column is "nothing"
    several: tuple[int, ...]  # by true class: judgements with detections of more than one class
    optimistic: tuple[Optimistic, ...]
    overfitting: tuple[Overfitting, ...]
    fairness: tuple[Metric, ...]
    tests: tuple[GroupTest, ...]  # groups against the rest, where attributes were declared
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]


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


class Issuer(Record, frozen=True, kw_only=True, tag="issuer"):
    """First record of every log: which chains (CAIP-2) and contracts count. ``journal`` is no chain."""

    chains: tuple[tuple[str, str], ...]  # (CAIP-2, contract address)


class Keys(Record, frozen=True, kw_only=True, tag="keys"):
    """Rotation to another key (``successor`` signed over this record's other fields by the new one) or revocation."""

    successor: str | None
    proof: bytes | None
    revoked_from: int | None


class Entry(Record, frozen=True, kw_only=True, tag="entry"):
    """Who says a record, and in which order. See ``registry.core.log`` for what is signed."""

    issuer: str  # did:pkh:eip155:1:0x<40 lower-case hex>
    seq: int
    prev: bytes | None  # named: CID bytes of the entry before
    record: CID
    issued_at: str
    alg: str
    signature: bytes


class Evidence(Record, frozen=True, kw_only=True, tag="evidence"):
    """What a chain answered about an entry's anchor; unsigned, checked against the chain."""

    entry: bytes  # named: the anchored entry, newest of its log
    chain: str
    contract: str
    transaction: str
    block_hash: str
    block_number: int
    time: str
    proof: bytes | None = None


AnyRecord = (
    Contribution
    | Recipe
    | Environment
    | Snapshot
    | Preprocessing
    | Plan
    | Draw
    | Training
    | Evaluation
    | Release
    | Withdrawal
    | Audit
    | Issuer
    | Keys
    | Entry
    | Evidence
)
TYPES: dict[str, type[Record]] = {cast(str, cls.__struct_config__.tag): cls for cls in Record.__subclasses__()}
R = TypeVar("R", bound=Record)


def to_value(thing: Any) -> Any:
    """The plain value (maps, lists, str, int, bytes, CID, None) that is encoded."""
    if isinstance(thing, msgspec.Struct):
        names = zip(thing.__struct_fields__, thing.__struct_encode_fields__, strict=True)
        value = {wire: to_value(getattr(thing, name)) for name, wire in names}
        if isinstance(thing, Record):
            value["type"] = thing.__struct_config__.tag
        return value
    if isinstance(thing, (list, tuple)):
        return [to_value(item) for item in thing]
    if isinstance(thing, dict):
        return {key: to_value(item) for key, item in thing.items()}
    return thing


def encode(record: Record) -> bytes:
    """Canonical dag-cbor bytes of a record."""
    return encoding.encode(to_value(record))


def cid(record: Record) -> CID:
    """The record's CID (v1, dag-cbor, sha2-256)."""
    return cid_of(encode(record), DAG_CBOR)


def _accept(wanted: type, value: Any) -> Any:
    if wanted is CID and isinstance(value, CID):
        return value
    raise ValueError(f"expected a link, not {type(value).__name__}")


def parse(data: bytes) -> Record:
    """The record that these bytes are. ``InvalidInput`` if they are none, or not written canonically."""
    value = encoding.decode(data)
    kind = TYPES.get(str(value.get("type"))) if isinstance(value, dict) else None
    if kind is None:
        raise InvalidInput("these bytes are no record of a known type", code="not_a_record")
    if value.get("v") != VERSION:
        raise InvalidInput(f"version {value.get('v')!r} of {value['type']} is not known here", code="record_version")
    try:
        record = msgspec.convert(value, kind, strict=True, dec_hook=_accept)
    except (msgspec.ValidationError, ValueError) as error:
        raise InvalidInput(f"malformed {value['type']}: {error}", code="malformed_record") from error
    if encode(record) != data:
        raise InvalidInput(f"this {value['type']} is not written canonically", code="malformed_record")
    return record


def parse_as(kind: type[R], data: bytes) -> R:
    """Like ``parse``, but ``InvalidInput`` if the record has another type."""
    record = parse(data)
    if not isinstance(record, kind):
        wanted, got = kind.__struct_config__.tag, record.__struct_config__.tag
        raise InvalidInput(f"expected a {wanted}, got a {got}", code="wrong_record_type")
    return record
