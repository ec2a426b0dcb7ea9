"""Records to bytes and back.

Invariants: ``parse(encode(r)) == r``; ``parse`` refuses any bytes that ``encode`` would not have written (every field
present, no other field, canonical dag-cbor).
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import msgspec

from registry.core.errors import InvalidInput
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.records import data, log, naming, release, training
from registry.core.records.base import VERSION, Record

_ALL: tuple[type[Record], ...] = (
    *(data.Contribution, data.Snapshot, data.Preprocessing),
    *(training.Recipe, training.Environment, training.Plan, training.Draw, training.Training, training.Evaluation),
    *(release.Release, release.Withdrawal, release.Audit),
    *(naming.Name, naming.Profile),
    *(log.Issuer, log.Keys, log.Entry, log.Evidence),
)
TYPES: dict[str, type[Record]] = {cast(str, kind.__struct_config__.tag): kind for kind in _ALL}
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
