"""The tree against RFC 6962's own figures, and every proof of every size up to 300 against a plain definition."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.errors import InvalidInput, Untrusted
from registry.core.tlog import merkle

# Certificate Transparency's reference tests (google/certificate-transparency, merkle_tree_test.cc): leaves and roots.
LEAVES = [
    bytes.fromhex(one)
    for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATH_OF_0_IN_8 = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]
PROOF_6_TO_8 = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]


def _hashes(count: int) -> list[bytes]:
    return [merkle.leaf_hash(str(at).encode()) for at in range(count)]


def _plain(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, word by word."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\x01" + _plain(leaves[:half]) + _plain(leaves[half:])).digest()


def test_the_reference_leaves_give_the_reference_roots_and_proofs() -> None:
    hashes = [merkle.leaf_hash(one) for one in LEAVES]
    assert [merkle.root(hashes[:size]).hex() for size in range(1, 9)] == ROOTS
    assert [one.hex() for one in merkle.inclusion(hashes, 0)] == PATH_OF_0_IN_8
    assert [one.hex() for one in merkle.consistency(hashes, 6)] == PROOF_6_TO_8
    assert merkle.root([]) == sha256(b"").digest()


def test_the_root_of_every_size_up_to_300_is_the_definition_s() -> None:
    hashes = _hashes(300)
    for size in range(301):
        assert merkle.root(hashes[:size]) == _plain(hashes[:size])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 127, 128, 129, 255, 256, 257, 300])
def test_every_entry_and_every_older_tree_of_a_size_is_proven_and_no_other_is(size: int) -> None:
    hashes = _hashes(size)
    tree, other = merkle.root(hashes), merkle.leaf_hash(b"other")
    for at in range(0, size, 1 + size // 50):
        proof = merkle.inclusion(hashes, at)
        merkle.check_inclusion(hashes[at], at, size, tree, proof)
        with pytest.raises(Untrusted):
            merkle.check_inclusion(other, at, size, tree, proof)
        with pytest.raises(Untrusted):
            merkle.check_inclusion(hashes[at], (at + 1) % (size + 1), size, tree, [*proof, other])
    for old in range(1, size, 1 + size // 50):
        proof, before = merkle.consistency(hashes, old), merkle.root(hashes[:old])
        merkle.check_consistency(old, before, size, tree, proof)
        forked = merkle.root([*hashes[: old - 1], other])
        for wrong in (
            (old, forked, size, tree, proof),
            (old, before, size, other, proof),
            (old, before, size, tree, [*proof, other]),
            (old, before, size, tree, proof[:-1]),
        ):
            with pytest.raises(Untrusted):
                merkle.check_consistency(*wrong)


@given(st.integers(1, 300), st.data())
def test_any_proof_of_any_tree_up_to_300_verifies_and_breaks_with_any_changed_bit(
    size: int, data: st.DataObject
) -> None:
    hashes = _hashes(size)
    tree, at, old = merkle.root(hashes), data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    path, proof, before = merkle.inclusion(hashes, at), merkle.consistency(hashes, old), merkle.root(hashes[:old])
    merkle.check_inclusion(hashes[at], at, size, tree, path)
    merkle.check_consistency(old, before, size, tree, proof)
    if path:
        with pytest.raises(Untrusted):
            merkle.check_inclusion(hashes[at], at, size, tree, _changed(path, data))
    if proof:
        with pytest.raises(Untrusted):
            merkle.check_consistency(old, before, size, tree, _changed(proof, data))


def _changed(proof: list[bytes], data: st.DataObject) -> list[bytes]:
    at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    number = int.from_bytes(proof[at], "big") ^ (1 << bit)
    return [*proof[:at], number.to_bytes(32, "big"), *proof[at + 1 :]]


def test_proofs_of_what_is_not_there_are_refused() -> None:
    hashes = _hashes(5)
    for at in (-1, 5):
        with pytest.raises(InvalidInput):
            merkle.inclusion(hashes, at)
    with pytest.raises(InvalidInput):
        merkle.consistency(hashes, 6)
    for wrong in ([b"short"], [bytes(32)] * 64):
        with pytest.raises(Untrusted, match="at most 63"):
            merkle.check_inclusion(hashes[0], 0, 5, merkle.root(hashes), wrong)
    with pytest.raises(Untrusted, match="can't go on"):
        merkle.check_consistency(6, merkle.root(hashes), 5, merkle.root(hashes), [])
    merkle.check_consistency(0, merkle.EMPTY_ROOT, 5, merkle.root(hashes), [])
    with pytest.raises(Untrusted, match="differ"):
        merkle.check_consistency(0, bytes(32), 5, merkle.root(hashes), [])
