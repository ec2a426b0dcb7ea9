"""A release in the formats of ``names``, as bytes: the same release gives the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from registry.core.errors import NotFound
from registry.exports.attest.cyclonedx import bom
from registry.exports.attest.prml import manifests
from registry.exports.attest.source import Source
from registry.exports.json_text import json_text

_DOCUMENTS: Mapping[str, Callable[[Source], dict[str, Any]]] = {"cyclonedx": bom}  # all of ``names.DOCUMENTS``


def as_bytes(document: dict[str, Any]) -> bytes:
    """JSON as every one of these files has it."""
    return (json_text(document, 1) + "\n").encode()


def document(form: str, source: Source) -> bytes:
    """The one file of a format of ``DOCUMENTS``."""
    return as_bytes(_DOCUMENTS[form](source))


def claim_manifest(source: Source, number: int) -> bytes:
    """The manifest of a claim, counted from 1. ``NotFound`` where the plan makes fewer."""
    found = manifests(source)
    if not 1 <= number <= len(found):
        raise NotFound(f"the plan makes {len(found)} claims", hint="count them from 1.")
    return found[number - 1]
