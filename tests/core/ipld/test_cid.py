"""CIDs: every form there and back, against an independent implementation, and nothing that is almost one."""

from __future__ import annotations

import hashlib

import multiformats
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.errors import InvalidInput, Untrusted
from registry.core.ipld import multibase
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, IDENTITY, RAW, cid_of, verify
from registry.core.ipld.cid_texts import canonical, texts
from registry.core.ipld.varint import decode_varint, encode_varint

V0 = "QmRNvAL9HX291YCdQ8uCeBWjyogXk1Ap8kcoPrrcjfEHzB"
V1 = "bafybeiekcfudfqjznylycq344k3hu7e4lniwary6ywaudlb2nccw2m3oqq"

digests = st.binary(min_size=32, max_size=32)


@given(digests, st.sampled_from([RAW, DAG_PB, DAG_CBOR, 0x0129, 0x300000]))
def test_text_and_bytes_there_and_back(digest: bytes, codec: int) -> None:
    cid = CID.v1(codec, digest)
    assert CID.parse(str(cid)) == cid == CID.decode(bytes(cid))
    assert CID.parse(str(CID.v0(digest))) == CID.v0(digest) == CID.decode(bytes(CID.v0(digest)))


@given(digests)
def test_as_an_independent_implementation_writes_them(digest: bytes) -> None:
    other = multiformats.CID("base32", 1, "raw", ("sha2-256", digest))
    cid = CID.v1(RAW, digest)
    assert str(cid) == str(other)
    assert bytes(cid) == bytes(other)
    assert str(CID.v0(digest)) == str(multiformats.CID("base58btc", 0, "dag-pb", ("sha2-256", digest)))


@given(digests)
def test_every_base_names_the_same(digest: bytes) -> None:
    cid = CID.v1(RAW, digest)
    data = bytes(cid)
    forms = [
        "z" + multibase.encode_base58(data),
        "f" + data.hex(),
        "F" + data.hex().upper(),
        str(cid).upper(),
        str(multiformats.CID("base36", 1, "raw", ("sha2-256", digest))),
        str(multiformats.CID("base64url", 1, "raw", ("sha2-256", digest))),
    ]
    assert {CID.parse(form) for form in forms} == {cid}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        V0[:-1],
        V0 + "1",
        V0[:-1] + "0",
        V1[:-1],
        V1 + "a",
        V1[:-1] + "1",
        V1[:10] + V1[10:].upper(),
        "z" + V0,
        "m" + V1[1:],
        "b" * 600,
        "bafy beiekcfudfqjznylycq344k3hu7e4lniwary6ywaudlb2nccw2m3oq",
        "../../etc/passwd",
        "f" + "12" * 34,
    ],
)
def test_what_is_no_cid_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        CID.parse(text)
    assert caught.value.code in ("invalid_cid", "bad_varint")


@given(st.text(max_size=80))
def test_no_text_ends_in_another_exception(text: str) -> None:
    try:
        cid = CID.parse(text)
    except InvalidInput:
        return
    assert CID.parse(str(cid)) == cid


@given(st.binary(max_size=80))
def test_no_bytes_end_in_another_exception(data: bytes) -> None:
    try:
        cid = CID.decode(data)
    except InvalidInput:
        return
    assert bytes(cid) == data


@pytest.mark.parametrize(
    ("code", "digest"),
    [
        (0x12, hashlib.sha256(b"x").digest()),
        (0x13, hashlib.sha512(b"x").digest()),
        (0x16, hashlib.sha3_256(b"x").digest()),
        (0xB220, hashlib.blake2b(b"x", digest_size=32).digest()),
        (0xB214, hashlib.blake2b(b"x", digest_size=20).digest()),
        (0xB260, hashlib.blake2s(b"x", digest_size=32).digest()),
        (IDENTITY, b"x"),
    ],
)
def test_hashes_on_the_list_verify(code: int, digest: bytes) -> None:
    cid = CID.v1(RAW, digest, code)
    verify(cid, b"x")
    with pytest.raises(Untrusted) as caught:
        verify(cid, b"y")
    assert caught.value.code == "hash_mismatch"
    assert str(cid) in str(caught.value)


@pytest.mark.parametrize(
    ("code", "digest"),
    [
        (0x11, bytes(20)),
        (0x12, bytes(20)),
        (0x12, bytes(31)),
        (0xB210, bytes(16)),
        (0xD5, bytes(16)),
        (IDENTITY, bytes(129)),
    ],
)
def test_hashes_that_are_not_allowed(code: int, digest: bytes) -> None:
    with pytest.raises(InvalidInput):
        CID.v1(RAW, digest, code)


def test_version_0_is_dag_pb_with_sha2() -> None:
    assert (CID.parse(V0).version, CID.parse(V0).codec) == (0, DAG_PB)
    with pytest.raises(InvalidInput):
        CID(0, RAW, 0x12, bytes(32))
    with pytest.raises(InvalidInput):
        CID(2, RAW, 0x12, bytes(32))


@given(st.integers(0, (1 << 63) - 1))
def test_varints_go_there_and_back(value: int) -> None:
    assert decode_varint(encode_varint(value), 0) == (value, len(encode_varint(value)))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x00", b"\x81\x80\x00", b"\xff" * 10])
def test_varints_that_are_not_minimal_or_cut_off_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode_varint(data, 0)


def test_order_and_hashing_go_by_bytes() -> None:
    one, two = sorted([cid_of(b"a", RAW), cid_of(b"b", RAW)])
    assert bytes(one) < bytes(two)
    assert len({cid_of(b"a", RAW), cid_of(b"a", RAW)}) == 1


@pytest.mark.parametrize("size", [1, 5, 20, 34, 36, 37])
def test_many_values_are_written_together_as_they_are_one_by_one(size: int) -> None:
    values = [hashlib.sha512(b"%d" % number).digest()[:size] for number in range(50)]
    values += [bytes(size), b"\xff" * size]
    assert multibase.encode_base32_each(values) == [multibase.encode_base32(value) for value in values]
    assert multibase.encode_base32_each([]) == []


def test_texts_of_many_cids_are_those_of_each() -> None:
    digests = [hashlib.sha256(b"%d" % number).digest() for number in range(3)]
    alike = [CID.v1(RAW, digest) for digest in digests]
    mixed = [*alike, CID.v0(digests[0]), CID.v1(DAG_PB, digests[1])]
    for cids in (alike, mixed, []):
        assert texts([bytes(cid) for cid in cids]) == [str(cid) for cid in cids]


def test_every_text_of_a_cid_has_the_one_canonical_text() -> None:
    cid = CID.v1(RAW, hashlib.sha256(b"one").digest())
    for prefix, text in (("b", str(cid)), ("B", str(cid).upper()), ("f", "f" + bytes(cid).hex())):
        assert text.startswith(prefix)
        assert canonical(text) == str(cid)
    old = str(CID.v0(cid.digest))
    assert canonical(old) == old
    with pytest.raises(InvalidInput):
        canonical(str(cid)[:-1])
