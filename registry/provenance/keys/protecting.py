"""Put a home's keys under a person's passphrase, and a key from a copy into a home that has none.

Invariants: a key is never without its file: each is replaced whole, and the random passphrase goes last, when nothing
needs it; killed between, the same call goes on. No key is written over.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from coincurve import PrivateKey

from registry.core.errors import Conflict, InvalidInput, not_read, not_written
from registry.files import exclusive, single_writer_file, sync_folder
from registry.provenance.keys import keys, keystore
from registry.provenance.keys.keys import FOLDER, PASSPHRASE_FILE, Key
from registry.provenance.keys.signed_heads import Head, noted


def protect(home: Path, passphrase: str) -> list[Path]:
    """Every key that the random passphrase opens, under this one; the random one is removed. The files' paths.

    ``InvalidInput`` (``passphrase_missing``) where no random passphrase is there; ``Unavailable``.
    """
    folder, random = home / FOLDER, keys.passphrase_of(home)
    with exclusive(folder / "lock"):
        found = sorted(folder.rglob("0x*.json"))
        for path in found:
            text = _read(path)
            key = from_bytes(_opened(text, (random, passphrase)), path)
            _write(path, keys.sealed(key, passphrase, newest=noted(text)))
        try:
            (folder / PASSPHRASE_FILE).unlink()
            sync_folder(folder)
        except OSError as error:
            raise not_written(folder / PASSPHRASE_FILE, error) from error
    return found


def take_in(home: Path, key: Key, passphrase: str | None, newest: Head | None = None) -> Key:
    """A key that was copied elsewhere becomes the home's, under the passphrase, or a random one; with the note of the
    copy. ``Conflict`` (``exists``) where the home has a key."""
    folder = home / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise not_written(folder, error) from error
    with exclusive(folder / "lock"):
        if keys.key_file(folder) is not None:
            raise Conflict(f"{home} has a key already", code="exists", hint="name another EMOTIONET_HOME.")
        phrase = secrets.token_urlsafe(32) if passphrase is None else passphrase
        if passphrase is None:
            _write(folder / PASSPHRASE_FILE, phrase + "\n")
        path = folder / f"{key.address}.json"
        _write(path, keys.sealed(key, phrase, random=passphrase is None, newest=newest))
    return keys.open_file(path, phrase)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise not_read(path, error) from error


def _opened(text: str, phrases: tuple[str, ...]) -> bytes:
    """A key that one of these opens."""
    for phrase in phrases[:-1]:
        try:
            return keystore.decrypt(text, phrase)
        except InvalidInput as error:
            if error.code != "wrong_passphrase":
                raise
    return keystore.decrypt(text, phrases[-1])


def from_bytes(private: bytes, place: Path) -> Key:
    """A key of 32 secret bytes, which lies nowhere yet."""
    return Key(PrivateKey(private), place, created=False)


def _write(path: Path, text: str) -> None:
    with single_writer_file(path, mode=0o600) as stream:
        stream.write(text.encode("ascii"))
