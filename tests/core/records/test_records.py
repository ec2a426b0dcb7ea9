"""Records: each one round-trips to the byte, and nothing else is read."""

from __future__ import annotations

import types
import typing
from typing import Any

import cbrrr
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.core import records
from registry.core.errors import EmotionetError, InvalidInput
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from registry.core.records import base as record_base
from registry.core.records.versions import newest
from registry.core.text.names import is_name

NOON = "2026-11-23T12:00:00Z"
KINDS = sorted(records.TYPES.values(), key=lambda kind: kind.__name__)
TIME_FIELDS = {"issued_at", "started", "ended", "effective", "time"}

CIDS = st.builds(lambda data, codec: cid_of(data, codec), st.binary(max_size=4), st.sampled_from([RAW, DAG_CBOR]))
TIMES = st.datetimes(timezones=st.none()).map(lambda at: at.strftime("%Y").zfill(4) + at.strftime("-%m-%dT%H:%M:%SZ"))
INTS = st.integers(-(2**63), 2**63 - 1)
ANY = st.recursive(
    st.none() | st.booleans() | INTS | st.text(max_size=4) | st.binary(max_size=4) | CIDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
LINES = st.text("abc é,@.", min_size=1, max_size=9).filter(lambda text: text.strip() == text != "")
SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    CID: CIDS, bytes: st.binary(max_size=8), str: st.text(max_size=8), int: INTS, Any: ANY, type(None): st.none(),
    bool: st.booleans(),
}  # fmt: skip


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type."""
    if hint in SIMPLE:
        return SIMPLE[hint]
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return structs(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, arguments))
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    assert origin in (types.UnionType, typing.Union), hint
    return st.one_of(*map(values, arguments))


CHECKED: dict[tuple[type, str], st.SearchStrategy[Any]] = {
    (records.Evidence, "kind"): st.sampled_from(["rfc3161", "opentimestamps", "witness"]),  # evm's is a block
    (records.Name, "name"): st.from_regex(r"[c-z][a-z0-9]{0,9}(-[a-z0-9]{1,9})?", fullmatch=True).filter(is_name),
    (records.Profile, "name"): LINES,
    (records.Profile, "url"): st.sampled_from([None, "https://example.org", "https://a.example.org/us?x=1"]),
    (records.Profile, "contact"): st.none() | LINES,
}


def structs(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    fields = {
        name: CHECKED.get((kind, name), TIMES if name in TIME_FIELDS else values(hints[name]))
        for name in kind.__struct_fields__
        if name != "v"
    }
    return st.builds(kind, **fields)


def example() -> records.Entry:
    return records.Entry(
        v=1,
        issuer="did:pkh:eip155:1:0x" + "ab" * 20,
        key=bytes(33),
        authority=None,
        seq=1,
        prev=b"x",
        log=b"x",
        record=cid_of(b"x", DAG_CBOR),
        issued_at=NOON,
        alg="dsse-es256k",
        signature=bytes(64),
    )


def test_the_types_are_those_of_the_format() -> None:
    assert set(records.TYPES) == {
        "contribution", "recipe", "environment", "snapshot", "preprocessing", "plan", "draw", "training", "evaluation",
        "release", "withdrawal", "audit", "name", "profile", "issuer", "keys", "entry", "evidence",
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_record_round_trips(kind: type[records.Record], data: st.DataObject) -> None:
    record = data.draw(structs(kind))
    encoded = records.encode(record)
    assert records.parse(encoded) == record
    assert records.parse_as(kind, encoded) == record
    assert records.cid(record) == cid_of(encoded, DAG_CBOR)
    value = encoding.decode(encoded)
    assert value["v"] == newest(value["type"])
    assert records.TYPES[value["type"]] is kind
    assert len(value) == len(kind.__struct_fields__) + 1, "every field is written, also those that are None"


def test_an_entry_is_written_exactly_so() -> None:
    assert encoding.decode(records.encode(example())) == {
        "v": 1,
        "type": "entry",
        "issuer": "did:pkh:eip155:1:0x" + "ab" * 20,
        "key": bytes(33),
        "seq": 1,
        "prev": b"x",
        "log": b"x",
        "record": cid_of(b"x", DAG_CBOR),
        "issuedAt": NOON,
        "alg": "dsse-es256k",
        "signature": bytes(64),
    }


def test_links_go_along_and_names_do_not() -> None:
    data = records.encode(example())
    assert encoding.links(data, DAG_CBOR) == [cid_of(b"x", DAG_CBOR)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_missing_extra_and_renamed_fields_are_refused(kind: type[records.Record], data: st.DataObject) -> None:
    value = encoding.decode(records.encode(data.draw(structs(kind))))
    name = data.draw(st.sampled_from(sorted(set(value) - {"type"})))
    without = {key: item for key, item in value.items() if key != name}
    for bad in (without, value | {"more": None}, without | {name + "x": value[name]}):
        with pytest.raises(InvalidInput):
            records.parse(encoding.encode(bad))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "entrys"}, "not_a_record"),
        ({"type": "table"}, "not_a_record"),
        ({"type": 1}, "not_a_record"),
        ({"type": None}, "not_a_record"),
        ({"type": ["entry"]}, "not_a_record"),
        ({"type": "issuer"}, "malformed_record"),
        ({"v": 0}, "record_version"),
        ({"v": 2}, "malformed_record"),
        ({"v": 3}, "newer_version"),
        ({"v": "1"}, "record_version"),
        ({"v": True}, "malformed_record"),
        ({"v": None}, "record_version"),
        ({"seq": "1"}, "malformed_record"),
        ({"seq": True}, "malformed_record"),
        ({"seq": None}, "malformed_record"),
        ({"prev": "x"}, "malformed_record"),
        ({"prev": cid_of(b"x", RAW)}, "malformed_record"),
        ({"record": bytes(cid_of(b"x", DAG_CBOR))}, "malformed_record"),
        ({"record": str(cid_of(b"x", DAG_CBOR))}, "malformed_record"),
        ({"record": None}, "malformed_record"),
        ({"signature": [0]}, "malformed_record"),
        ({"issuedAt": 1}, "malformed_record"),
        ({"issuedAt": "2026-11-23T12:00:00+00:00"}, "invalid_time"),
        ({"issued_at": NOON}, "malformed_record"),
    ],
)
def test_a_value_of_another_type_is_refused(change: dict[str, Any], code: str) -> None:
    value = encoding.decode(records.encode(example())) | change
    with pytest.raises(InvalidInput) as caught:
        records.parse(encoding.encode(value))
    assert caught.value.code == code


@pytest.mark.parametrize("value", [None, 1, "entry", [], {}, b"", {"v": 1}, [{"type": "entry", "v": 1}]])
def test_what_is_no_record_is_named_so(value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        records.parse(encoding.encode(value))
    assert caught.value.code == "not_a_record"


def test_another_way_to_write_the_same_is_refused() -> None:
    """A map whose keys come in another order, a number in more bytes than it needs, something behind the end."""
    record = records.Issuer(chains=())
    good = records.encode(record)
    assert records.parse(good) == record
    pairs = [cbrrr.encode_dag_cbor(key) + cbrrr.encode_dag_cbor(item) for key, item in encoding.decode(good).items()]
    assert good == b"\xa3" + b"".join(pairs)
    swapped = b"\xa3" + b"".join(pairs[::-1])
    longer = good.replace(b"av\x01", b"av\x18\x01")
    assert longer != good
    for bad in (swapped, longer, good + b"\x00", b"\xd9\xd9\xf7" + good, good[:-1], b""):
        with pytest.raises(InvalidInput):
            records.parse(bad)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_byte_changed_gives_another_record_or_none(data: st.DataObject) -> None:
    good = records.encode(example())
    changed = bytearray(good)
    changed[data.draw(st.integers(0, len(good) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        record = records.parse(bytes(changed))
    except InvalidInput:
        return
    assert record != example()
    assert records.encode(record) == bytes(changed)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | ANY.map(encoding.encode))
def test_no_bytes_crash_it(data: bytes) -> None:
    try:
        record = records.parse(data)
    except EmotionetError:
        return
    assert records.encode(record) == data


def test_a_record_of_another_type_is_named() -> None:
    with pytest.raises(InvalidInput, match="expected a plan, got an entry") as caught:
        records.parse_as(records.Plan, records.encode(example()))
    assert caught.value.code == "wrong_record_type"


@pytest.mark.parametrize("value", [1.5, float("nan"), {1: 2}, {1, 2}, object()])
def test_what_has_no_canonical_form_is_not_written(value: Any) -> None:
    with pytest.raises(InvalidInput):
        records.encode(records.Recipe(name="x", method="y", version=1, values={"x": value}))


# --- times -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [NOON, "2024-02-29T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_of_the_one_form_is_taken(text: str) -> None:
    records.check_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23",
        "2026-11-23T12:00:00",
        "2026-11-23T12:00:00+00:00",
        "2026-11-23T12:00:00.5Z",
        "2026-11-23T12:00:00z",
        "2026-11-23 12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T12:60:00Z",
        "2026-11-23T12:00:60Z",
        "0000-01-01T00:00:00Z",
        "2026-11-23T12:00:00Z\n",
        " 2026-11-23T12:00:00Z",
        "٢٠٢٦-11-23T12:00:00Z",
    ],
)
def test_what_is_no_time_is_in_no_record(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        records.check_time(text)
    assert caught.value.code == "invalid_time"
    with pytest.raises(InvalidInput):
        msgspec.structs.replace(example(), issued_at=text)
    value = encoding.decode(records.encode(example())) | {"issuedAt": text}
    with pytest.raises(InvalidInput):
        records.parse(encoding.encode(value))


def test_every_field_that_holds_a_time_is_checked() -> None:
    """The names are a convention: a new field that is a time must be one of them."""
    found = {
        name
        for kind in (*records.Record.__subclasses__(), *records.Part.__subclasses__())
        for name in kind.__struct_fields__
        if any(word in name for word in ("time", "_at", "started", "ended", "effective", "when", "date"))
    }
    assert found == TIME_FIELDS == set(record_base._TIMES)
