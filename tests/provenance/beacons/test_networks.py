"""Networks of drand: real rounds of quicknet, hash to curve by the RFC's vectors, and what is no round of a network."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

import pytest

from registry.core.errors import InvalidInput, Untrusted
from registry.core.records import DrandRound
from registry.provenance.beacons import bls
from registry.provenance.beacons.networks import KNOWN, QUICKNET, networks_of
from tests.support.beacons import OTHER_SECRET, drand_round, info, network, sign

# Rounds as public relays answer at /52db9ba7…/public/N.
ROUNDS = {
    1: (
        "b55e7cb2d5c613ee0b2e28d6750aabbb78c39dcc96bd9d38c2c2e12198df95571de8e8e402a0cc48871c7089a2b3af4b",
        "1466a6cd24e327188770752f6134001c64d6efcc590ccc26b721611ad96f165a",
    ),
    1000: (
        "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
        "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd",
    ),
    9367912: (
        "845091b99635a8a5f93a15cd8622fae0c7ee5307fb5b888dc67ee4fe997b5b326dbd637bd7ab39e3188fd507ea94b314",
        "a646d1f17493408fdd89ee2ff71a0d1eab6087f23fdef7f60a2baec60436a496",
    ),
}
# RFC 9380, J.9.1 (BLS12381G1_XMD:SHA-256_SSWU_RO_): message, x and y of the point.
RFC_DST = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"
RFC_POINTS = {
    b"": (
        "052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1",
        "08ba738453bfed09cb546dbb0783dbb3a5f1f566ed67bb6be0e8c67e2e81a4cc68ee29813bb7994998f3eae0c9c6a265",
    ),
    b"abc": (
        "03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903",
        "0b9c15f3fe6e5cf4211f346271d7b01c8f3b28be689c8429c85b67af215533311f0b8dfaaa154fa6b88176c229f2885d",
    ),
}


def quicknet(number: int) -> DrandRound:
    return DrandRound(chain=QUICKNET.hash, round=number, signature=bytes.fromhex(ROUNDS[number][0]))


@pytest.mark.parametrize("number", ROUNDS)
def test_real_rounds_of_quicknet_verify(number: int) -> None:
    QUICKNET.check(quicknet(number))
    assert quicknet(number).value.hex() == ROUNDS[number][1]


@pytest.mark.parametrize("message", RFC_POINTS)
def test_points_are_hashed_to_as_the_rfc_says(message: bytes) -> None:
    from py_ecc.bls.hash_to_curve import hash_to_G1
    from py_ecc.optimized_bls12_381 import normalize

    x, y = normalize(hash_to_G1(message, RFC_DST, hashlib.sha256))
    assert tuple(f"{one.n:096x}" for one in (x, y)) == RFC_POINTS[message]


def test_the_program_knows_quicknet_by_the_hash_that_covers_its_key() -> None:
    assert {"52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971": QUICKNET} == KNOWN
    assert QUICKNET.time_of(1) == "2023-08-23T15:09:27Z"
    assert QUICKNET.round_after("2023-08-23T15:09:26Z") == 1
    assert [QUICKNET.round_after(f"2023-08-23T15:09:{second}Z") for second in (27, 28, 29, 30)] == [2, 2, 2, 3]


def test_the_recursion_limit_is_as_it_was() -> None:
    limit = sys.getrecursionlimit()
    assert bls.verifies(QUICKNET.key, b"", bytes(48)) is False
    assert sys.getrecursionlimit() == limit < 20_000


def _torsion() -> bytes:
    """The signature of round 1 moved by a point of small order: it satisfies the same equation."""
    from py_ecc.bls.point_compression import compress_G1, decompress_G1
    from py_ecc.optimized_bls12_381 import FQ, add, curve_order, field_modulus, is_inf, multiply

    for x in range(1, 100):
        square = (x**3 + 4) % field_modulus
        y = pow(square, (field_modulus + 1) // 4, field_modulus)
        point = multiply((FQ(x), FQ(y), FQ(1)), curve_order)
        if y * y % field_modulus == square and not is_inf(point):
            moved = add(decompress_G1(int.from_bytes(sign(1), "big")), point)
            return int(compress_G1(moved)).to_bytes(48, "big")
    raise AssertionError("no point of small order was found")


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(lambda: sign(2), id="of another round"),
        pytest.param(lambda: sign(1, OTHER_SECRET), id="by another key"),
        pytest.param(lambda: bytes([sign(1)[0] ^ 0x20]) + sign(1)[1:], id="its negative"),
        pytest.param(_torsion, id="beside the subgroup"),
        pytest.param(lambda: bytes([0xC0]) + bytes(47), id="nothing at all"),
        pytest.param(lambda: bytes(48), id="zeros"),
        pytest.param(lambda: b"\xff" * 48, id="no point"),
        pytest.param(lambda: sign(1)[:-1], id="cut off"),
        pytest.param(lambda: sign(1) + b"\0", id="too long"),
        pytest.param(lambda: b"", id="empty"),
    ],
)
def test_a_round_has_one_signature_alone(signature: Any) -> None:
    network().check(drand_round(1))
    with pytest.raises(Untrusted):
        network().check(DrandRound(chain=network().hash, round=1, signature=signature()))


@pytest.mark.parametrize("number", [0, -1, 1 << 64, 1 << 4000])
def test_numbers_that_no_round_has_are_refused(number: int) -> None:
    with pytest.raises(Untrusted):
        network().check(DrandRound(chain=network().hash, round=number, signature=sign(1)))


def test_a_round_of_another_network_is_refused() -> None:
    with pytest.raises(Untrusted):
        QUICKNET.check(drand_round(1))


def test_a_network_is_read_from_what_relays_answer() -> None:
    both = [info(), info(OTHER_SECRET)]
    assert networks_of(json.dumps(both[0]).encode()) == {network().hash: network()}
    assert set(networks_of(json.dumps(both).encode())) == {network().hash, network(OTHER_SECRET).hash}


@pytest.mark.parametrize(
    "changed",
    [
        {"public_key": network(OTHER_SECRET).key.hex()},
        {"period": 30},
        {"period": 0},
        {"period": -1},
        {"genesis_time": 0},
        {"genesis_time": 1 << 70},
        {"metadata": {"beaconID": "other"}},
        {"hash": QUICKNET.hash},
        {"schemeID": "pedersen-bls-chained"},
        {"public_key": "no hex"},
        {"period": "3"},
    ],
    ids=str,
)
def test_what_is_not_what_its_hash_is_of_is_no_network(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="describes no drand network"):
        networks_of(json.dumps(info(**changed)).encode())


@pytest.mark.parametrize("data", [b"", b"[1]", b"{}", b"null", b"\xff"])
def test_what_is_no_object_is_no_network(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        networks_of(data)
