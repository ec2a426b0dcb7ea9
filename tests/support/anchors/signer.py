"""A key in memory, for tests that sign without a home."""

from __future__ import annotations

from coincurve import PrivateKey

from registry.core import issuers


class MemorySigner:
    """A signer with a fixed key; libsecp256k1 makes its signatures."""

    def __init__(self, number: int) -> None:
        self.secret = number.to_bytes(32, "big")
        self._private = PrivateKey(self.secret)
        self.public_key = self._private.public_key.format(compressed=True)
        self.did = issuers.did_of(issuers.address_of_key(self.public_key))

    def sign(self, message: bytes) -> bytes:
        return bytes(self._private.sign_recoverable(message)[: issuers.SIGNATURE_SIZE])
