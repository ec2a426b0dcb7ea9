"""Ed25519 (RFC 8032) by pycryptodome, which an auditor's install has anyway. Deterministic: nothing here is random.

Invariants: a signature in another than its one form (S at or above the group's order) and a public key of small order
are refused. The library loads when something is signed or verified.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.core.errors import InvalidInput

if TYPE_CHECKING:
    from Crypto.PublicKey.ECC import EccKey

SEED_SIZE = KEY_SIZE = 32
SIGNATURE_SIZE = 64


def _private(seed: bytes) -> EccKey:
    from Crypto.PublicKey import ECC

    return ECC.construct(curve="Ed25519", seed=seed)  # type: ignore[arg-type]  # its stubs know no bytes


def public_key(seed: bytes) -> bytes:
    """The 32 bytes of the public key."""
    return bytes(_private(seed).public_key().export_key(format="raw"))


def sign(seed: bytes, message: bytes) -> bytes:
    """The 64 bytes of the signature."""
    from Crypto.Signature import eddsa

    return bytes(eddsa.new(_private(seed), "rfc8032").sign(message))


def check_key(public: bytes) -> None:
    """``InvalidInput`` (``bad_key``) unless these are 32 bytes of a usable key."""
    _public(public)


def verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether this key signed the message. ``InvalidInput`` (``bad_key``) where it is no key."""
    from Crypto.Signature import eddsa

    key = _public(public)
    if len(signature) != SIGNATURE_SIZE:
        return False
    try:
        eddsa.new(key, "rfc8032").verify(message, signature)
    except ValueError:
        return False
    return True


def _public(public: bytes) -> EccKey:
    from Crypto.Signature import eddsa

    try:
        key = eddsa.import_public_key(public)
        usable = len(public) == KEY_SIZE and not (key.pointQ * 8).is_point_at_infinity()
    except ValueError:
        usable = False
    if not usable:
        raise InvalidInput(f"{public[:KEY_SIZE].hex()} is no Ed25519 key", code="bad_key")
    return key
