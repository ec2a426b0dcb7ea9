"""Witnesses as EMOTIONET_WITNESSES names them."""

from __future__ import annotations

from dataclasses import dataclass

from registry.core.errors import InvalidInput
from registry.core.tlog import note
from registry.core.tlog.note import VerifierKey


@dataclass(frozen=True)
class WitnessAt:
    """A witness that is trusted, and where it is asked (None: nowhere, its cosignatures come otherwise)."""

    key: VerifierKey
    url: str | None = None


def read_witness(text: str) -> WitnessAt:
    """``VKEY`` or ``VKEY=URL``. ``InvalidInput`` (``bad_key``)."""
    given, equals, url = text.partition("=")
    key = note.read_key(given)
    if key.kind != note.COSIGNATURE or (equals and not url.startswith(("http://", "https://"))):
        raise InvalidInput(
            f"{text[:80]!r} is no witness", code="bad_key", hint="write a cosigner's vkey (type 4), or VKEY=URL."
        )
    return WitnessAt(key, url.rstrip("/") or None)
