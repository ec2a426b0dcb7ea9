"""A P-256 key that signs exports, for verifiers that know no secp256k1 (securesystemslib, OpenSSF's model signing).

Invariants: it follows from the publishing key (HKDF-SHA256), so that nobody keeps another secret; from it nothing of
the publishing key follows. Signatures are deterministic (RFC 6979). It signs exports alone, no entries: whoever
verifies has it vouched for by the publishing key (``exports/attest/statement.export_key``).

Sources: RFC 5869; FIPS 186-5, A.2.1 (a scalar from 64 bits more than the order has).
"""

from __future__ import annotations

import hashlib
from typing import Protocol

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
_INFO = b"emotionet export key, P-256, v1"


class Secret(Protocol):
    """The publishing key, as far as this needs it."""

    def private_bytes(self) -> bytes:
        """The 32 secret bytes."""
        ...


class ExportKey:
    """``pem``: the public key as SubjectPublicKeyInfo; ``keyid`` as securesystemslib calls it by itself."""

    def __init__(self, publishing: Secret) -> None:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        derived = HKDF(hashes.SHA256(), 40, salt=None, info=_INFO).derive(publishing.private_bytes())
        self._private = ec.derive_private_key(int.from_bytes(derived, "big") % (_ORDER - 1) + 1, ec.SECP256R1())
        self._scheme = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        self.pem = self._private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.keyid = _keyid(self.pem)

    def sign(self, message: bytes) -> bytes:
        """DER, over the sha256 of ``message``."""
        return self._private.sign(message, self._scheme)

    def __repr__(self) -> str:
        return f"ExportKey({self.keyid})"

    def __reduce__(self) -> str:
        raise TypeError("a key is not copied or sent: derive it where it is needed")


def publishing_pem(public_key: bytes) -> bytes:
    """A publishing key (33 bytes, compressed) as PEM, as node and OpenSSL read it."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public_key)
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _keyid(pem: bytes) -> str:
    """The sha256 of the key's canonical JSON, in which line feeds stand as they are (OLPC's)."""
    canonical = f'{{"keytype":"ecdsa","keyval":{{"public":"{pem.decode()}"}},"scheme":"ecdsa-sha2-nistp256"}}'
    return hashlib.sha256(canonical.encode()).hexdigest()
