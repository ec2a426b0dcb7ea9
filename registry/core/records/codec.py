"""Records to bytes and back.

Invariants: ``parse(encode(r)) == r``, and ``encode(parse(b)) == b`` for bytes of every version that is read; ``parse``
refuses any bytes that ``encode`` would not have written (every field present, no other field, canonical dag-cbor). What
a newer program wrote is ``NewerVersion`` (``registry.core.records.versions``).
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import msgspec

from registry.core.errors import InvalidInput, NewerVersion
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.records import data, log, naming, release, training, versions
from registry.core.records.base import Record
from registry.core.remembered import Remembered

_ALL: tuple[type[Record], ...] = (
    *(data.Contribution, data.Snapshot, data.Preprocessing),
    *(training.Recipe, training.Environment, training.Plan, training.Draw, training.Training, training.Evaluation),
    *(release.Release, release.Withdrawal, release.Audit),
    *(naming.Name, naming.Profile),
    *(log.Issuer, log.Keys, log.Entry, log.Evidence),
)
TYPES: dict[str, type[Record]] = {cast(str, kind.__struct_config__.tag): kind for kind in _ALL}
R = TypeVar("R", bound=Record)
KEPT = 4 << 20  # bytes of records that were read lately: as values they take about seven times that
_read_lately = Remembered[bytes, Record](KEPT, len)


def to_value(thing: Any) -> Any:
    """The plain value (maps, lists, str, int, bytes, CID, None) that is encoded."""
    if isinstance(thing, msgspec.Struct):
        names = zip(thing.__struct_fields__, thing.__struct_encode_fields__, strict=True)
        value = {wire: to_value(getattr(thing, name)) for name, wire in names}
        if isinstance(thing, Record):
            kind = value["type"] = type_of(thing)
            return versions.down(kind, thing.v, value)
        if thing.__struct_config__.tag is not None:  # one of several parts that may stand here
            value[str(thing.__struct_config__.tag_field)] = thing.__struct_config__.tag
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


def type_of(record: Record) -> str:
    """A record's type as it is written."""
    return str(record.__struct_config__.tag)


def _kind(value: Any) -> str:
    """The type of a record's map. ``InvalidInput`` ``not_a_record`` where it is none, or of a type that is not known
    here: a type that came later can't be told from a made-up one."""
    named = value.get("type") if isinstance(value, dict) else None
    if isinstance(named, str) and named in TYPES:
        return named
    raise InvalidInput("these bytes are no record of a type that this program knows", code="not_a_record")


def parse(data: bytes) -> Record:
    """The record that these bytes are. ``InvalidInput`` if they are none, or not written canonically.

    The same bytes may give the same record again: nobody changes what is inside one.
    """
    return _read_lately.of(data, lambda: _parsed(data))


def _parsed(data: bytes) -> Record:
    value = encoding.decode(data)
    kind = _kind(value)
    version = versions.check(kind, value.get("v"), versions.newest(kind))
    try:
        record: Record = msgspec.convert(versions.up(kind, version, value), TYPES[kind], strict=True, dec_hook=_accept)
    except (msgspec.ValidationError, ValueError) as error:
        raise InvalidInput(f"malformed {kind}: {error}", code="malformed_record") from error
    if encode(record) != data:
        raise InvalidInput(f"this {kind} is not written canonically", code="malformed_record")
    return record


def parse_as(kind: type[R], data: bytes) -> R:
    """Like ``parse``, but ``InvalidInput`` if the record has another type."""
    wanted = str(kind.__struct_config__.tag)
    try:
        record = parse(data)
    except NewerVersion as newer:
        if newer.kind == wanted:
            raise
        raise _other_type(wanted, newer.kind) from newer
    if not isinstance(record, kind):
        raise _other_type(wanted, type_of(record))
    return record


def _other_type(wanted: str, found: str) -> InvalidInput:
    return InvalidInput(f"expected {_a(wanted)}, got {_a(found)}", code="wrong_record_type")


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
