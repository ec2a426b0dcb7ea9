"""An issuer: a did:pkh, the secp256k1 key whose address it is, and signatures by that key.

Invariants: an address is keccak-256 of the public key, so a signature is verified with the key and no recovery id. A
signature is 64 bytes, r || s, over sha2-256 of the message, with low s. Signatures are verified here and made elsewhere
(``log.Signer``).
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from registry.core.errors import InvalidInput, Untrusted

if TYPE_CHECKING:  # libraries of C that most commands never need: loaded where a signature is checked
    from coincurve import PublicKey

DID_PREFIX = "did:pkh:eip155:1:"
SIGNATURE_SIZE = 64
KEY_SIZE = 33
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1's group (SEC 2, 2.4.1)
_DID = re.compile(re.escape(DID_PREFIX) + r"0x[0-9a-f]{40}")


def did_of(address: str) -> str:
    """The did:pkh of a 0x address (any case). ``InvalidInput`` if it is none."""
    did = DID_PREFIX + address.lower()
    check_did(did)
    return did


def address_of(did: str) -> str:
    """The lower-case 0x address in a did:pkh. ``InvalidInput`` if it is none."""
    check_did(did)
    return did[len(DID_PREFIX) :]


def read_issuer(text: str) -> str:
    """The did:pkh that somebody means who writes it, or its address, in letters of any case; all else as it is."""
    address = text.strip().lower().removeprefix(DID_PREFIX)
    return DID_PREFIX + address if is_did(DID_PREFIX + address) else text


def is_did(text: str) -> bool:
    """Whether this is a did:pkh as entries hold it: lower-case."""
    return _DID.fullmatch(text) is not None


def check_did(did: str) -> None:
    """``InvalidInput`` unless this is a did:pkh as entries hold it."""
    if not is_did(did):
        raise InvalidInput(
            f"{did!r} is not an issuer",
            code="invalid_did",
            hint=f"use {DID_PREFIX}0x and 40 hex digits, or 0x... alone.",
        )


def address_of_key(public_key: bytes) -> str:
    """The lower-case 0x address of a compressed public key. ``Untrusted`` ``bad_signature`` if it is none."""
    from Crypto.Hash import keccak

    digest = keccak.new(digest_bits=256, data=_point(public_key).format(compressed=False)[1:]).digest()
    return "0x" + digest[-20:].hex()


def _point(public_key: bytes) -> PublicKey:
    from coincurve import PublicKey

    if len(public_key) == KEY_SIZE:
        with suppress(Exception):  # coincurve raises plain Exception for what is on no point of the curve
            return PublicKey(public_key)
    raise Untrusted(f"{public_key[:KEY_SIZE].hex()} is not a compressed public key", code="bad_signature")


def signed_by(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether this key signed sha2-256 of ``message``. ``Untrusted`` ``bad_signature`` if either is malformed."""
    from coincurve.ecdsa import cdata_to_der, deserialize_compact

    point = _point(public_key)
    if len(signature) != SIGNATURE_SIZE:
        raise Untrusted(f"a signature has {SIGNATURE_SIZE} bytes, not {len(signature)}", code="bad_signature")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < ORDER and 0 < s <= ORDER // 2):
        raise Untrusted("the signature is not in its one allowed form (low s)", code="bad_signature")
    digest, der = hashlib.sha256(message).digest(), cdata_to_der(deserialize_compact(signature))
    return bool(point.verify(der, digest, hasher=None))
