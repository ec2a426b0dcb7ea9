"""Keystore files outside a home: a copy of the publishing key, or a recovery key that is kept elsewhere.

Invariants: a file that exists is never written over; nobody else may read it; it opens only with its passphrase.
"""

from __future__ import annotations

from pathlib import Path

from coincurve import PrivateKey

from registry.core.errors import Conflict
from registry.files import single_writer_file
from registry.provenance.keys.keys import Key, sealed
from registry.provenance.keys.signed_heads import Head


def write_copy(key: Key, path: Path, passphrase: str, newest: Head | None = None) -> None:
    """``newest``: the newest entry of the key's log, which the copy notes: no home begins that log anew then.
    ``Conflict`` (``exists``) where something lies there; ``InvalidInput`` for an empty passphrase."""
    if path.exists():
        raise Conflict(f"{path} exists", code="exists", hint="give another name.")
    text = sealed(key, passphrase, newest=newest)
    with single_writer_file(path, mode=0o600) as stream:
        stream.write(text.encode("ascii"))


def new_key_file(path: Path, passphrase: str) -> Key:
    """Make a key that lies in this file alone."""
    key = Key(PrivateKey(), path, created=True)
    write_copy(key, path, passphrase)
    return key
