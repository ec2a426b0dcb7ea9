"""Merkle-Patricia proofs: against an independent implementation of the tree, and whatever a forger may change."""

from __future__ import annotations

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from registry.core.errors import Untrusted
from registry.core.evm_state import header_of, keccak, slot_of, storage_of, value_of

CODE, ADDRESS = b"\x60\x01", b"\x11" * 20


def made(values: dict[bytes, int]) -> tuple[HexaryTrie, bytes]:
    """A contract's storage."""
    tree = HexaryTrie({})
    for slot, value in values.items():
        tree[keccak(slot)] = rlp.encode(value)
    return tree, tree.root_hash


def nodes(tree: HexaryTrie, key: bytes) -> list[bytes]:
    """As ``eth_getProof`` gives them: those that are referred to by their hash."""
    found = [rlp.encode(one) for one in tree.get_proof(keccak(key))]  # type: ignore[no-untyped-call]
    return [one for number, one in enumerate(found) if number == 0 or len(one) >= 32]


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.binary(min_size=32, max_size=32), st.integers(1, 2**256 - 1), min_size=1, max_size=40))
def test_what_an_independent_tree_proves_is_read(values: dict[bytes, int]) -> None:
    tree, root = made(values)
    for slot, value in values.items():
        assert value_of(root, slot, nodes(tree, slot)) == value


def test_a_changed_proof_fails() -> None:
    values = {bytes([number]) * 32: number for number in range(1, 60)}
    tree, root = made(values)
    slot = b"\x07" * 32
    proof = nodes(tree, slot)
    wrong = [
        proof[:-1],
        [*proof, proof[-1]],
        proof[::-1],
        [],
        nodes(tree, b"\x08" * 32),
        nodes(tree, b"\xf0" * 32),  # of what is not there
        [*proof[:-1], proof[-1][:-1] + bytes([proof[-1][-1] ^ 1])],
        [*proof[:-1], proof[-1] + b"\0"],
    ]
    for one in wrong:
        with pytest.raises(Untrusted):
            value_of(root, slot, one)
    for other in (b"\x08" * 32, b"\xf0" * 32):
        with pytest.raises(Untrusted):
            value_of(root, other, proof)
    with pytest.raises(Untrusted):
        value_of(keccak(b"another"), slot, proof)


@pytest.mark.parametrize(
    "node",
    [
        b"",
        b"\xc0",
        b"\x80",
        b"\xc1" * 1000,
        rlp.encode([b"\x20", b""]),
        rlp.encode([b"", b"x"]),
        rlp.encode([b"\x40", b"x"]),
    ],
    ids=repr,
)
def test_a_node_that_is_none_is_refused(node: bytes) -> None:
    with pytest.raises(Untrusted):
        value_of(keccak(node), b"\1" * 32, [node])
    with pytest.raises(Untrusted):
        header_of(node)


def test_an_account_with_other_code_is_refused() -> None:
    tree = HexaryTrie({})
    tree[keccak(ADDRESS)] = rlp.encode([1, 0, keccak(b"storage"), keccak(CODE)])
    proof = nodes(tree, ADDRESS)
    assert storage_of(tree.root_hash, ADDRESS, CODE, proof) == keccak(b"storage")
    for address, code in ((ADDRESS, b"\x60\x02"), (b"\x12" * 20, CODE)):
        with pytest.raises(Untrusted):
            storage_of(tree.root_hash, address, code, proof)


def test_a_mappings_slot_is_soliditys() -> None:
    # keccak256(uint256(0), uint256(0)): where a mapping in slot 0 keeps the key 0
    inner = "ad3228b676f7d3cd4284a5443f17f1962b36e491b30a40b2405849e597ba5fb5"
    assert keccak(bytes(64)).hex() == inner
    assert slot_of(bytes(20), bytes(32)) == keccak(bytes(32) + bytes.fromhex(inner))
