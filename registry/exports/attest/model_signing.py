"""A weights folder's signature as OpenSSF's model signing has it: a sigstore bundle over a list of the files.

Invariants: the list names each file of the folder, by rising name, with the sha256 of its bytes, and the folder's
digest is that of those digests in that order; the key is a P-256 key, known by the sha256 of its PEM.

Source: OpenSSF Model Signing 1.0 (predicate https://model_signing/signature/v1.0), as its package model-signing 1.1.1
reads it; sigstore's bundle, version 0.3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from registry.exports.attest.dsse import Signing, envelope
from registry.exports.attest.source import WeightsFile
from registry.exports.attest.statement import STATEMENT
from registry.exports.json_text import json_text

PREDICATE = "https://model_signing/signature/v1.0"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def listed(name: str, files: Sequence[WeightsFile]) -> dict[str, Any]:
    """The statement: which files the folder called ``name`` has."""
    files = sorted(files)
    whole = hashlib.sha256(b"".join(bytes.fromhex(one.sha256) for one in files)).hexdigest()
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": whole}}],
        "predicateType": PREDICATE,
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": [],
            },
            "resources": [{"name": one.name, "algorithm": "sha256", "digest": one.sha256} for one in files],
        },
    }


def bundle(name: str, files: Sequence[WeightsFile], pem: bytes, key: Signing) -> dict[str, Any]:
    """The signature file. A key in the bundle has no name of its own: the bundle's hint is what verifiers compare."""
    payload = json_text(listed(name, files)).encode()
    return {
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": hashlib.sha256(pem).hexdigest()}, "tlogEntries": []},
        "dsseEnvelope": envelope(payload, [Signing("", key.sign)]),
    }
