"""A new key's proof that it takes over one log in one place.

The proof is the new key's compressed public key (33 bytes) and its signature (64 bytes) over what it takes over: the
issuer, the log, the entry before, the place, and all else that the ``keys`` record says. So it can't be used again in
another log, or in another place of this one.
"""

from __future__ import annotations

from typing import Protocol

from registry.core.errors import Untrusted
from registry.core.ipld import encoding
from registry.core.issuers import DID_PREFIX, KEY_SIZE, SIGNATURE_SIZE, address_of_key
from registry.core.keys.signatures import key_signed, pae
from registry.core.records import Entry, Keys

PAYLOAD_TYPE = "application/vnd.emotionet.keys+cbor"


class NewKey(Protocol):
    """The key that takes over."""

    @property
    def public_key(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes: ...


def proof_bytes(issuer: str, log: bytes, prev: bytes, seq: int, said: Keys) -> bytes:
    """What a new key signs; ``said`` without its proof."""
    value = {
        "issuer": issuer,
        "log": log,
        "prev": prev,
        "seq": seq,
        "successor": said.successor,
        "revokedFrom": said.revoked_from,
        "recovery": said.recovery,
    }
    return pae(PAYLOAD_TYPE, encoding.encode(value))


def prove(key: NewKey, issuer: str, log: bytes, prev: bytes, seq: int, said: Keys) -> bytes:
    """The proof for an entry in this place."""
    return key.public_key + key.sign(proof_bytes(issuer, log, prev, seq, said))


def check_proof(entry: Entry, said: Keys) -> None:
    """``Untrusted`` (``bad_rotation``) unless the successor that an entry names agreed to exactly this entry."""
    if said.successor is None and said.proof is None:
        return
    proof = said.proof or b""
    key, signature = proof[:KEY_SIZE], proof[KEY_SIZE:]
    wrong = Untrusted(
        f"entry {entry.seq} of {entry.issuer} hands the log to {said.successor} without that key's signature over it",
        code="bad_rotation",
    )
    if len(proof) != KEY_SIZE + SIGNATURE_SIZE or entry.log is None or entry.prev is None:
        raise wrong
    try:
        holds = DID_PREFIX + address_of_key(key) == said.successor and key_signed(
            key, signature, proof_bytes(entry.issuer, entry.log, entry.prev, entry.seq, said)
        )
    except Untrusted:
        raise wrong from None
    if not holds:
        raise wrong
