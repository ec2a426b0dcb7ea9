"""Web3 Secret Storage, version 3: a secp256k1 key encrypted under a passphrase, as one JSON file.

Written here in the standard library and pycryptodome, because eth_keyfile takes half a second to
import (it brings BLS curves), which every command that signs would pay. Its files and ours are
interchangeable: the tests read each with the other.

Invariants: only scrypt and pbkdf2-hmac-sha256 with AES-128-CTR are read; the MAC is compared before
anything is decrypted; a file can't ask for more than ``MAX_MEMORY`` or ``MAX_ROUNDS``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import uuid
from typing import Any

from Crypto.Cipher import AES
from Crypto.Hash import keccak

from registry.core.errors import InvalidInput

# A person's passphrase is guessed, so that every guess must cost: geth's "standard" n, 256 MiB, about a second.
HUMAN_N = 1 << 18
# 256 random bits can't be guessed at any price: stretching them adds nothing but waiting.
RANDOM_N = 1 << 12
_R = 8
MAX_MEMORY = 1 << 30  # bytes that scrypt may take
MAX_ROUNDS = 10_000_000  # of pbkdf2


def _keccak(data: bytes) -> bytes:
    return bytes(keccak.new(digest_bits=256, data=data).digest())


def _scrypt(passphrase: bytes, salt: bytes, n: int, r: int, p: int, size: int) -> bytes:
    return hashlib.scrypt(passphrase, salt=salt, n=n, r=r, p=p, dklen=size, maxmem=128 * r * (n + p + 2) + (1 << 20))


def _aes(key: bytes, iv: bytes, data: bytes) -> bytes:
    """AES-128 in counter mode; encrypting and decrypting are the same."""
    return bytes(AES.new(key, AES.MODE_CTR, nonce=b"", initial_value=iv).encrypt(data))


def encrypt(private: bytes, address: str, passphrase: str, n: int) -> str:
    """The keystore's JSON text for a 32-byte key; ``n`` is scrypt's cost, a power of two."""
    salt, iv = os.urandom(32), os.urandom(16)
    derived = _scrypt(passphrase.encode(), salt, n, _R, 1, 32)
    ciphertext = _aes(derived[:16], iv, private)
    crypto = {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": iv.hex()},
        "ciphertext": ciphertext.hex(),
        "kdf": "scrypt",
        "kdfparams": {"dklen": 32, "n": n, "r": _R, "p": 1, "salt": salt.hex()},
        "mac": _keccak(derived[16:32] + ciphertext).hex(),
    }
    document = {"version": 3, "id": str(uuid.uuid4()), "address": address.removeprefix("0x"), "crypto": crypto}
    return json.dumps(document, indent=1) + "\n"


def _derive(kdf: Any, given: dict[str, Any], passphrase: bytes) -> bytes:
    salt, size = bytes.fromhex(given["salt"]), int(given["dklen"])
    if not 32 <= size <= 64:
        raise ValueError("a derived key must have 32 to 64 bytes")
    if kdf == "scrypt":
        n, r, p = int(given["n"]), int(given["r"]), int(given["p"])
        if min(n, r, p) < 1 or 128 * r * (n + p) > MAX_MEMORY or p > 64:
            raise ValueError("scrypt's parameters are out of bounds")
        return _scrypt(passphrase, salt, n, r, p, size)
    if kdf == "pbkdf2" and given["prf"] == "hmac-sha256":
        if not 1 <= int(given["c"]) <= MAX_ROUNDS:
            raise ValueError("pbkdf2's rounds are out of bounds")
        return hashlib.pbkdf2_hmac("sha256", passphrase, salt, int(given["c"]), size)
    raise ValueError(f"key derivation {kdf!r} is not known")


def decrypt(text: str, passphrase: str) -> bytes:
    """The 32-byte key. ``InvalidInput``: ``key_file_damaged`` or ``wrong_passphrase``."""
    try:
        document = {name.lower(): value for name, value in json.loads(text).items()}
        crypto = document["crypto"]
        if document["version"] != 3 or crypto["cipher"] != "aes-128-ctr":
            raise ValueError("not a version 3 keystore with aes-128-ctr")
        iv, mac = bytes.fromhex(crypto["cipherparams"]["iv"]), bytes.fromhex(crypto["mac"])
        ciphertext = bytes.fromhex(crypto["ciphertext"])
        derived = _derive(crypto["kdf"], crypto["kdfparams"], passphrase.encode())
        if len(ciphertext) != 32 or len(iv) != 16:
            raise ValueError("the key or its iv has another length")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"this is not a keystore file that can be read ({error})", code="key_file_damaged", hint="restore it."
        ) from error
    if not hmac.compare_digest(_keccak(derived[16:32] + ciphertext), mac):
        raise InvalidInput(
            "the passphrase does not open this key", code="wrong_passphrase", hint="give the one it was made with."
        )
    return _aes(derived[:16], iv, ciphertext)
