"""What an entry's signature covers, and whether the entry's own key made it.

DSSE's pre-authentication encoding (PAE) over the canonical dag-cbor of the entry's map without ``signature``, payload
type bound; the 32-byte digest is sha2-256 of that. Whether that key may sign for the issuer in this place of the log is
another question: ``registry.core.keys.authority``.
"""

from __future__ import annotations

from functools import lru_cache

from registry.core import records
from registry.core.errors import Untrusted
from registry.core.ipld import encoding
from registry.core.issuers import DID_PREFIX, address_of_key, is_did, signed_by
from registry.core.records import Entry

ALG = "dsse-es256k"
PAYLOAD_TYPE = "application/vnd.emotionet.entry+cbor"


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE v1 pre-authentication encoding (secure-systems-lab/dsse, protocol.md)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def signing_bytes(entry: Entry) -> bytes:
    """The exact bytes that an entry's signature covers; its own ``signature`` plays no part."""
    value = records.to_value(entry)
    del value["signature"]
    return pae(PAYLOAD_TYPE, encoding.encode(value))


@lru_cache(maxsize=4096)
def key_signed(key: bytes, signature: bytes, message: bytes) -> bool:
    """``issuers.signed_by``, remembered: the entries that hand a log over are looked at with every entry after them."""
    return signed_by(key, signature, message)


def signer_of(entry: Entry) -> str:
    """The did:pkh of the key that an entry names as its signer's. ``Untrusted`` where it is no key."""
    return DID_PREFIX + address_of_key(entry.key)


def check_signature(entry: Entry) -> None:
    """``Untrusted`` unless the key that the entry names signed exactly this entry, and its place is one."""
    if entry.alg != ALG:
        raise Untrusted(
            f"signatures of kind {entry.alg!r} can't be checked here", code="bad_signature", hint="use a newer version."
        )
    if not is_did(entry.issuer):
        raise Untrusted(f"{entry.issuer!r} is not an issuer that can be checked here", code="bad_signature")
    if not key_signed(entry.key, entry.signature, signing_bytes(entry)):
        raise Untrusted(f"entry {entry.seq} was not signed by {entry.issuer}", code="bad_signature")
    placed = {entry.prev is None, entry.log is None} == {entry.seq == 0}
    if entry.seq < 0 or not placed or (entry.seq == 1 and entry.log != entry.prev):
        raise Untrusted(f"entry {entry.seq} of {entry.issuer} contradicts its own place in the log", code="log_gap")
