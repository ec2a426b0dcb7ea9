"""A payload in a DSSE envelope, signed by any number of keys.

Invariants: the signatures are over the exact bytes of the payload and bind its type; the publishing key signs as it
signs entries (ES256K: 64 bytes r || s, as JOSE has it), a P-256 key as DER, which securesystemslib and node take.

Source: secure-systems-lab, DSSE v1.0 (protocol.md, envelope.md).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from registry.core.log import pae

IN_TOTO = "application/vnd.in-toto+json"


class Signing(NamedTuple):
    """Who signs: what a verifier calls the key, and what gives the signature of bytes."""

    keyid: str
    sign: Callable[[bytes], bytes]


def envelope(payload: bytes, keys: Sequence[Signing], payload_type: str = IN_TOTO) -> dict[str, Any]:
    """The envelope, as JSON."""
    message = pae(payload_type, payload)
    return {
        "payload": b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": key.keyid, "sig": b64encode(key.sign(message)).decode()} for key in keys],
    }
