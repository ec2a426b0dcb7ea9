"""The Merkle tree of RFC 6962 (section 2.1) over SHA-256: roots, inclusion proofs, consistency proofs.

Everything takes leaf hashes (``leaf_hash`` of each leaf's bytes), in order. Proofs are lists of 32-byte hashes in the
RFC's order, from the leaf up. Verification follows RFC 9162, 2.1.3.2 and 2.1.4.2. Invariant: a proof that does not
verify is ``Untrusted`` (``bad_proof``), never a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from registry.core.errors import InvalidInput, Untrusted

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
MOST_HASHES = 63  # in a proof: tlog-witness allows no more


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one leaf."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The tree's root hash; of no leaves the hash of nothing."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        paired = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) & ~1 :]
    return level[0]


def inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """PATH(index, leaves): the proof that the leaf at ``index`` is in this tree."""
    if not 0 <= index < len(leaves):
        raise InvalidInput(f"a log of {len(leaves)} entries has no entry {index}", code="not_in_log")
    proof: list[bytes] = []
    while len(leaves) > 1:
        half = _split(len(leaves))
        left, right = leaves[:half], leaves[half:]
        if index < half:
            proof.append(root(right))
            leaves = left
        else:
            proof.append(root(left))
            leaves, index = right, index - half
    return proof[::-1]


def consistency(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """PROOF(old, leaves): that the first ``old`` leaves are the tree that they were; empty for 0 and for all."""
    if not 0 <= old <= len(leaves):
        raise InvalidInput(f"a log of {len(leaves)} entries never had {old}", code="not_in_log")
    if old in (0, len(leaves)):
        return []
    proof: list[bytes] = []
    whole = True  # whether the old tree's root is a node that whoever verifies has already
    while old < len(leaves):
        half = _split(len(leaves))
        left, right = leaves[:half], leaves[half:]
        if old <= half:
            proof.append(root(right))
            leaves = left
        else:
            proof.append(root(left))
            leaves, old, whole = right, old - half, False
    return ([] if whole else [root(leaves)]) + proof[::-1]


def root_by_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root of a tree of ``size`` in which this leaf hash is at ``index``, as the proof has it."""
    if not 0 <= index < size:
        raise Untrusted(f"a log of {size} entries has no entry {index}", code="bad_proof")
    _check_form(proof)
    at, last, found = index, size - 1, leaf
    for one in proof:
        if last == 0:
            raise Untrusted("the inclusion proof is too long", code="bad_proof")
        if at & 1 or at == last:
            found = node_hash(one, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, one)
        at, last = at >> 1, last >> 1
    if last:
        raise Untrusted("the inclusion proof is too short", code="bad_proof")
    return found


def known_by_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """All that an inclusion proof tells of a tree: by (first leaf, number of leaves) the root over these leaves, which
    is the same in every tree with these leaves, whatever its size. ``Untrusted`` as ``root_by_inclusion``; the root
    that it leads to is under (0, size), and is not checked here."""
    root_by_inclusion(leaf, index, size, proof)
    start, count, way = 0, size, []
    while count > 1:
        half = _split(count)
        beside = (start + half, count - half) if index < start + half else (start, half)
        way.append(((start, count), beside))
        start, count = (start, half) if index < start + half else (start + half, count - half)
    found = {(index, 1): leaf}
    at = leaf
    for (whole, beside), one in zip(reversed(way), proof, strict=True):
        at = node_hash(at, one) if beside[0] > index else node_hash(one, at)
        found |= {beside: one, whole: at}
    return found


def check_inclusion(leaf: bytes, index: int, size: int, tree: bytes, proof: Sequence[bytes]) -> None:
    """``Untrusted`` unless the tree with this root has this leaf hash at ``index``."""
    if root_by_inclusion(leaf, index, size, proof) != tree:
        raise Untrusted(f"the tree of {size} entries does not hold this entry at {index}", code="bad_proof")


def check_consistency(old: int, old_root: bytes, size: int, tree: bytes, proof: Sequence[bytes]) -> None:
    """``Untrusted`` unless the tree of ``size`` begins with the one of ``old``."""
    if not 0 <= old <= size:
        raise Untrusted(f"a log of {size} entries can't go on from {old}", code="bad_proof")
    _check_form(proof)
    if old in (0, size):
        expected = EMPTY_ROOT if old == 0 else tree
        if proof or old_root != expected:
            raise Untrusted(f"the trees of {old} and {size} entries differ", code="bad_proof")
        return
    first, second = _roots_by_consistency(old, old_root, size, proof)
    if first != old_root or second != tree:
        raise Untrusted(f"the tree of {size} entries does not begin with that of {old}", code="bad_proof")


def older_root(old: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that a consistency proof gives the tree of ``old`` entries, whatever it was said to be. ``Untrusted``
    where the proof does not hold it: of 0, of all, of a power of two."""
    _check_form(proof)
    if not 0 < old < size or old & (old - 1) == 0:
        raise Untrusted(f"a proof from {old} to {size} does not hold the older root", code="bad_proof")
    return _roots_by_consistency(old, b"", size, proof)[0]


def _roots_by_consistency(old: int, old_root: bytes, size: int, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise Untrusted("the consistency proof is empty", code="bad_proof")
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for one in path[1:]:
        if last == 0:
            raise Untrusted("the consistency proof is too long", code="bad_proof")
        if at & 1 or at == last:
            first, second = node_hash(one, first), node_hash(one, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, one)
        at, last = at >> 1, last >> 1
    if last:
        raise Untrusted("the consistency proof is too short", code="bad_proof")
    return first, second


def _split(count: int) -> int:
    """The largest power of two below ``count`` (2 or more)."""
    return 1 << ((count - 1).bit_length() - 1)


def _check_form(proof: Sequence[bytes]) -> None:
    if len(proof) > MOST_HASHES or any(len(one) != HASH_SIZE for one in proof):
        raise Untrusted(f"a proof has at most {MOST_HASHES} hashes of {HASH_SIZE} bytes", code="bad_proof")
