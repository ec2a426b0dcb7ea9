"""What a block of an Ethereum-like chain says of its state: headers, accounts and storage, by hashes alone.

Sources: the Yellow Paper, appendices B (RLP) and D (Merkle-Patricia trees), EIP-1186 for what a node gives as proof.
Bytes in, values out: the hash of a header commits to its state's root, that to every account, and an account to its
storage. ``Untrusted`` (``bad_proof``) wherever one does not follow from the other; its code is ``OTHER_STATE`` where
everything follows and shows that the state holds nothing, or something else, in that place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from registry.core.errors import Untrusted

PARENT, STATE, NUMBER, TIMESTAMP = 0, 3, 8, 11  # places of a header's fields; later forks append theirs
LEAST_FIELDS, MOST_FIELDS = 15, 40
MAX_HEADER, MAX_NODE = 4096, 1024  # bytes: a header has about 600, a node of a tree at most 532
OTHER_STATE = "other_state"
EMPTY = bytes.fromhex(
    "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
)  # the root of a tree of nothing
BRANCH, PAIR = 17, 2  # items of the two kinds of node


@dataclass(frozen=True)
class Header:
    """The fields that matter here of a block's header, and its hash."""

    hash: bytes
    parent: bytes
    state: bytes
    number: int
    time: int  # unix seconds


def keccak(data: bytes) -> bytes:
    """Keccak-256, as Ethereum uses it."""
    from Crypto.Hash import keccak as hashing

    return bytes(hashing.new(digest_bits=256, data=data).digest())


def header_of(data: bytes) -> Header:
    """A header in RLP."""
    fields = _decoded(data, MAX_HEADER)
    if not LEAST_FIELDS <= len(fields) <= MOST_FIELDS or not all(isinstance(one, bytes) for one in fields):
        raise _bad("these bytes are no block's header")
    parent, state = fields[PARENT], fields[STATE]
    if len(parent) != 32 or len(state) != 32:
        raise _bad("a block's header has hashes of another size")
    return Header(keccak(data), parent, state, _number(fields[NUMBER]), _number(fields[TIMESTAMP]))


def storage_of(state: bytes, address: bytes, code: bytes, nodes: Sequence[bytes]) -> bytes:
    """The root of a contract's storage, where the state has this ``code`` at its ``address``."""
    account = _decoded(_at(state, keccak(address), nodes), MAX_NODE)
    if len(account) != 4 or not all(isinstance(one, bytes) for one in account):
        raise _bad("the proof leads to no account")
    if account[3] != keccak(code):
        raise _other("there is other code at the contract's address")
    return bytes(account[2])


def value_of(storage: bytes, slot: bytes, nodes: Sequence[bytes]) -> int:
    """What a slot of a contract's storage holds; never 0, because the tree has no such leaf."""
    if storage == EMPTY:
        raise _other("the contract's storage is empty")
    data = _rlp(_at(storage, keccak(slot), nodes), MAX_NODE)
    if not isinstance(data, bytes):
        raise _bad("the proof leads to no number")
    return _number(data)


def slot_of(publisher: bytes, digest: bytes) -> bytes:
    """Where ``anchoredAt[publisher][digest]`` lies, the contract's first variable (Solidity, layout of mappings)."""
    return keccak(digest + keccak(publisher.rjust(32, b"\0") + bytes(32)))


def _at(root: bytes, key: bytes, nodes: Sequence[bytes]) -> bytes:
    """What a tree holds under a key (32 bytes), by the nodes from its root on; each of them is used."""
    path, reference, left = key.hex(), root, list(nodes)
    while True:
        node = _node(reference, left)
        if len(node) == BRANCH and path:
            reference, path = node[int(path[0], 16)], path[1:]
        elif len(node) == PAIR and isinstance(node[0], bytes) and node[0]:
            part, is_leaf = _part(node[0])
            if not path.startswith(part):
                raise (_bad if left else _other)("the proof leads elsewhere")
            reference, path = node[1], path[len(part) :]
            if is_leaf:
                if path or left or not isinstance(reference, bytes):
                    raise _bad("the proof does not end where it must")
                return reference
        else:
            raise _bad("the proof has a node that is none")


def _node(reference: Any, left: list[bytes]) -> list[Any]:
    """The node that is referred to: the next one, by its hash; a short one stands in its parent itself."""
    if isinstance(reference, list):
        return reference
    if not reference:
        raise (_bad if left else _other)("the proof leads to nothing")
    if not left or keccak(left[0]) != reference:
        raise _bad("the proof does not follow from its root")
    return _decoded(left.pop(0), MAX_NODE)


def _part(data: bytes) -> tuple[str, bool]:
    """Nibbles in hex-prefix encoding (Yellow Paper, appendix C), and whether a leaf has them."""
    digits = data.hex()
    flag = int(digits[0], 16)
    if flag > 3 or (flag % 2 == 0 and digits[1] != "0"):
        raise _bad("the proof has a path that is none")
    return digits[1 if flag % 2 else 2 :], flag >= 2


def _number(data: bytes) -> int:
    if len(data) > 32 or data[:1] == b"\0":
        raise _bad("the proof has a number that is none")
    return int.from_bytes(data, "big")


def _decoded(data: bytes, most: int) -> list[Any]:
    value = _rlp(data, most)
    if not isinstance(value, list):
        raise _bad("the proof has no list where one must be")
    return value


def _rlp(data: bytes, most: int) -> Any:
    import rlp  # comes with eth-account; half of its time is eth_utils, so it waits

    if len(data) > most:
        raise _bad(f"a part of the proof has {len(data)} bytes")
    try:
        return _plain(rlp.decode(data, strict=True))
    except (rlp.exceptions.RLPException, RecursionError, ValueError, TypeError, IndexError) as error:
        raise _bad("the proof is no RLP") from error


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, (bytes, bytearray)) else [_plain(one) for one in value]


def _bad(said: str) -> Untrusted:
    return Untrusted(said, code="bad_proof")


def _other(said: str) -> Untrusted:
    return Untrusted(said, code=OTHER_STATE)
