"""BLS signatures on G1 of BLS12-381 under keys on G2, by drand's scheme ``bls-unchained-g1-rfc9380``.

Sources: RFC 9380 (hash to curve, suite BLS12381G1_XMD:SHA-256_SSWU_RO_), draft-irtf-cfrg-bls-signature (minimal
signature size), drand's documentation of its schemes. The arithmetic is py_ecc's, pure Python: about a second each.

Invariant: exactly one encoding of one point is the signature of a message under a key. A point outside the subgroup
would satisfy the same equation and give another value, so points are checked to be in it.
"""

from __future__ import annotations

import hashlib
import sys
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any

KEY_SIZE, SIGNATURE_SIZE = 96, 48
DST = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"


@cache
def _curve() -> Any:
    """py_ecc's functions, loaded when they are first needed."""
    limit = sys.getrecursionlimit()
    try:
        from py_ecc import optimized_bls12_381 as curve
        from py_ecc.bls.hash_to_curve import hash_to_G1
        from py_ecc.bls.point_compression import decompress_G1, decompress_G2
    finally:
        sys.setrecursionlimit(limit)  # py_ecc raises it so far that a hostile depth would overflow the stack
    return SimpleNamespace(
        pairing=curve.pairing,
        neg=curve.neg,
        multiply=curve.multiply,
        is_inf=curve.is_inf,
        order=curve.curve_order,
        g2=curve.G2,
        one=curve.FQ12.one(),
        finish=curve.final_exponentiate,
        hash_to_g1=hash_to_G1,
        g1=decompress_G1,
        g2_of=decompress_G2,
    )


def _checked(point: Any) -> Any:
    curve = _curve()
    if curve.is_inf(point) or not curve.is_inf(curve.multiply(point, curve.order)):
        raise ValueError("a point that is not in the subgroup")
    return point


@lru_cache(maxsize=64)
def _key(data: bytes) -> Any:
    half = KEY_SIZE // 2
    return _checked(_curve().g2_of((int.from_bytes(data[:half], "big"), int.from_bytes(data[half:], "big"))))


@lru_cache(maxsize=1024)
def verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this is the signature of a message; False for whatever is no signature or no key."""
    if (len(key), len(signature)) != (KEY_SIZE, SIGNATURE_SIZE):
        return False
    curve = _curve()
    try:
        public, signed = _key(key), _checked(curve.g1(int.from_bytes(signature, "big")))
    except ValueError:
        return False
    point = curve.hash_to_g1(message, DST, hashlib.sha256)
    left = curve.pairing(public, point, final_exponentiate=False)
    right = curve.pairing(curve.neg(curve.g2), signed, final_exponentiate=False)
    return bool(curve.finish(left * right) == curve.one)
