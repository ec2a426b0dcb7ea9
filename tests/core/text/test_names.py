"""Which texts are names, and that none of them is anything else that commands take."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, RAW, cid_of
from registry.core.text.names import MAX_NAME, Reference, check_name, is_name, read_reference

ADDRESS = "0x" + "ab" * 20
DID = f"did:pkh:eip155:1:{ADDRESS}"


@pytest.mark.parametrize("text", ["faces", "a", "faces-2026", "demo_faces", "f1", "a" * MAX_NAME])
def test_these_are_names(text: str) -> None:
    assert check_name(text) == text
    assert read_reference(text) == Reference(None, text, None)


@pytest.mark.parametrize(
    "text",
    ["", "Faces", "1faces", "-a", "a-", "a--b", "a.b", "a b", "a/b", "a@2", "cara\u00f1", "\u0430bc", "latest", "bafy",
     "baffle", "a" * (MAX_NAME + 1), "a\n", ADDRESS, "did:pkh:eip155:1:" + ADDRESS, "release.car", "../x"],
)  # fmt: skip
def test_these_are_none(text: str) -> None:
    assert not is_name(text)
    with pytest.raises(InvalidInput) as caught:
        check_name(text)
    assert caught.value.code == "bad_name"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("faces@2", Reference(None, "faces", 2)),
        (f"{ADDRESS}/faces", Reference(DID, "faces", None)),
        (f"did:pkh:eip155:1:{ADDRESS}/faces@10", Reference(DID, "faces", 10)),
        ("faces@0", None),
        ("faces@02", None),
        ("faces@", None),
        ("faces@two", None),
        ("/faces", None),
        ("folder/faces", None),
        ("@2", None),
        ("latest@2", None),
        (f"{ADDRESS}/latest", None),
        (f"{ADDRESS.upper()}/faces", Reference(DID, "faces", None)),
        (f"did:pkh:eip155:137:{ADDRESS}/faces", None),
    ],
)
def test_what_somebody_writes_is_one_name_or_none(text: str, found: Reference | None) -> None:
    assert read_reference(text) == found


@given(st.binary(max_size=8), st.sampled_from([RAW, DAG_PB, DAG_CBOR]), st.integers(3, 59))
def test_neither_a_cid_nor_its_beginning_nor_a_digest_is_a_name(data: bytes, codec: int, length: int) -> None:
    cid = str(cid_of(data, codec))
    assert read_reference(cid) is read_reference(cid[:length]) is None
    assert read_reference(f"{cid}/faces") is None
    assert read_reference(hashlib.sha256(data).hexdigest()) is None
    assert CID.parse(cid) == cid_of(data, codec)


@pytest.mark.parametrize("name", ["Faces", "latest", "bafybei", ""])
def test_a_record_with_another_name_is_neither_made_nor_read(name: str) -> None:
    good = records.encode(records.Name(name="faces", target=bytes(cid_of(b"x", DAG_CBOR))))
    with pytest.raises(InvalidInput):
        records.Name(name=name, target=b"")
    with pytest.raises(InvalidInput):
        records.parse(good.replace(b"\x65faces", bytes([0x60 + len(name)]) + name.encode()))


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " us"},
        {"name": ""},
        {"name": "a\x1b[1m"},
        {"name": "e\u0301"},
        {"url": "http://example.org"},
        {"url": "https://example.org:8443"},
        {"url": "https://user@example.org"},
        {"url": "https://localhost"},
        {"url": "https://Example.org"},
        {"url": "https://example.org/a b"},
        {"url": "javascript:alert(1)"},
        {"contact": ""},
        {"contact": "a\nb"},
        {"contact": "a" * 201},
    ],
)
def test_a_profile_holds_clean_text_and_a_plain_address(fields: dict[str, str]) -> None:
    good: dict[str, Any] = {"name": "us", "url": "https://example.org/us", "contact": "us at example.org"}
    assert records.parse(records.encode(records.Profile(**good))) == records.Profile(**good)
    with pytest.raises(InvalidInput):
        records.Profile(**{**good, **fields})
