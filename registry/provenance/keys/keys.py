"""The publishing key: secp256k1, in a V3 keystore ``HOME/keys/<address>.json`` (0600 in a 0700 folder).

Without a passphrase a random one lies beside it in ``HOME/keys/passphrase`` (0600): that protects a
key file that was copied alone (into a backup, an image), not one from whoever can read the folder. A
person's passphrase makes the key cost about a second to open; a random one of 256 bits needs no
stretching (``keystore``).

Invariants: one key a home, also if two processes make it at once; a file is there completely or not
at all; a key or passphrase file that others may read is refused; no text form of a key shows its
secret; a passphrase or key is never in an error's message.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from coincurve import PrivateKey

from registry.core.errors import InvalidInput, not_read, not_written
from registry.core.issuers import SIGNATURE_SIZE, address_of, address_of_key, did_of
from registry.files import exclusive, single_writer_file
from registry.provenance.keys import keystore
from registry.provenance.keys import signed_heads as signed_heads

FOLDER = signed_heads.KEYS
PASSPHRASE_FILE = "passphrase"  # noqa: S105 - a file name


class Key:
    """A key that signs log entries. ``created``: it was made by this very call; ``path``: its file."""

    __slots__ = ("_private", "address", "created", "did", "path", "public_key")
    did: str  # of the issuer it signs for: its own, until it takes another's log over (``registry.assembly``)

    def __init__(self, private: PrivateKey, path: Path, *, created: bool) -> None:
        self._private = private
        self.public_key: bytes = private.public_key.format(compressed=True)
        self.address: str = address_of_key(self.public_key)
        self.did: str = did_of(self.address)
        self.path = path
        self.created = created

    def sign(self, message: bytes) -> bytes:
        """64 bytes r || s over sha2-256 of ``message``; RFC 6979, low s (libsecp256k1's form)."""
        return bytes(self._private.sign_recoverable(message)[:SIGNATURE_SIZE])

    def private_bytes(self) -> bytes:
        """The 32 secret bytes, for signing chain transactions. Never print or store them."""
        return bytes(self._private.secret)

    def __repr__(self) -> str:
        return f"Key({self.did})"

    def __reduce__(self) -> str:
        raise TypeError("a key is not copied or sent: load it where it is needed")


def load(home: Path, passphrase: str | None = None) -> Key | None:
    """The home's key, or None if there is none yet (then nothing is written).

    ``InvalidInput``: ``wrong_passphrase``, ``passphrase_missing``, ``key_too_open``, ``key_file_damaged``,
    ``several_keys``. ``Unavailable`` if a file can't be read.
    """
    path = key_file(home / FOLDER)
    return None if path is None else _open(path, passphrase)


def _own(address: str) -> str:
    return did_of(address)


def load_or_create(
    home: Path, passphrase: str | None = None, *, another: bool = False, issuer_of: Callable[[str], str] = _own
) -> Key:
    """The home's key, made first if there is none (``created`` says so). Errors as of ``load``.

    ``issuer_of`` gives the issuer that a key of this address signs for, which differs after a handover.
    ``Conflict`` (``key_missing``) in a home whose log another key signed, unless ``another`` is meant to go on there.
    """
    found = load(home, passphrase)
    if found is not None:
        found.did = issuer_of(found.address)
    if not another:
        signed_heads.check_signer(home, address_of(found.did) if found else None)
    key = found or _create(home / FOLDER, passphrase)
    if another:
        signed_heads.go_on_as(home, address_of(key.did))
    return key


def create_in(folder: Path, passphrase: str, *, random: bool, given: Key | None = None) -> Key:
    """A new key (or ``given``) in a folder that holds none, under a passphrase. ``random``: nobody can guess that."""
    with _locked(folder):
        path = key_file(folder)
        if path is not None:
            return open_file(path, passphrase)
        key = Key(PrivateKey() if given is None else PrivateKey(given.private_bytes()), folder / "new", created=True)
        key.path = folder / f"{key.address}.json"
        _write(key.path, sealed(key, passphrase, random=random))
        return key


def sealed(key: Key, passphrase: str, *, random: bool = False, newest: signed_heads.Head | None = None) -> str:
    """A key as the text of a keystore, with the newest entry of its log (``noted``) where that is given.
    ``InvalidInput`` (``passphrase_missing``) for an empty passphrase."""
    n = keystore.RANDOM_N if random else keystore.HUMAN_N
    text = keystore.encrypt(key.private_bytes(), key.address, _checked(passphrase), n)
    return text if newest is None else signed_heads.with_note(text, newest)


def passphrase_of(home: Path) -> str:
    """The random passphrase that lies beside the home's key. ``InvalidInput`` (``passphrase_missing``)."""
    return _passphrase(home / FOLDER, make=False)


def is_random(home: Path) -> bool:
    """Whether the home's key has a random passphrase, beside it."""
    return (home / FOLDER / PASSPHRASE_FILE).exists()


def open_file(path: Path, passphrase: str | None) -> Key:
    """The key in a file that its address names. Errors as of ``load``."""
    return _open(path, passphrase)


def _create(folder: Path, passphrase: str | None) -> Key:
    with _locked(folder):
        path = key_file(folder)
        if path is not None:  # another process was quicker
            return _open(path, passphrase)
        n = keystore.RANDOM_N if passphrase is None else keystore.HUMAN_N
        passphrase = _passphrase(folder, make=True) if passphrase is None else _checked(passphrase)
        key = Key(PrivateKey(), folder / "new", created=True)
        key.path = folder / f"{key.address}.json"
        signed_heads.mark_made(folder.parent, key.address)
        _write(key.path, keystore.encrypt(key.private_bytes(), key.address, passphrase, n))
        return key


def _open(path: Path, passphrase: str | None) -> Key:
    given = _passphrase(path.parent, make=False) if passphrase is None else _checked(passphrase)
    key = Key(PrivateKey(keystore.decrypt(_read(path), given)), path, created=False)
    if key.address != path.stem:
        raise InvalidInput(
            f"{path} holds the key of {key.address}", code="key_file_damaged", hint="rename or restore it."
        )
    return key


def key_file(folder: Path) -> Path | None:
    """The one key file of a folder; None where there is none. ``InvalidInput`` (``several_keys``)."""
    try:
        found = sorted(entry for entry in folder.iterdir() if entry.suffix == ".json")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise not_read(f"the folder {folder}", error) from error
    if len(found) > 1:
        raise InvalidInput(
            f"{folder} holds {len(found)} keys", code="several_keys", hint="leave only the one that publishes."
        )
    return found[0] if found else None


def _checked(passphrase: str) -> str:
    if not passphrase:
        raise InvalidInput("the passphrase is empty", code="passphrase_missing", hint="give one, or none at all.")
    return passphrase


def _passphrase(folder: Path, *, make: bool) -> str:
    path = folder / PASSPHRASE_FILE
    if not path.exists():
        if not make:
            raise InvalidInput(
                f"the key in {folder} needs its passphrase",
                code="passphrase_missing",
                hint="set EMOTIONET_PASSPHRASE_FILE.",
            )
        _write(path, secrets.token_urlsafe(32) + "\n")
    return _checked(_read(path).strip())


def _read(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as handle:
            if os.fstat(handle.fileno()).st_mode & 0o077:
                raise InvalidInput(f"others may read {path}", code="key_too_open", hint=f"run `chmod 600 {path}`.")
            return handle.read(1 << 16)
    except OSError as error:
        raise not_read(path, error) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is damaged", code="key_file_damaged", hint="restore it from a backup.") from error


def _write(path: Path, text: str) -> None:
    """Complete or not at all, and never readable by others, not even for a moment. The lock is held."""
    with single_writer_file(path, mode=0o600) as stream:
        stream.write(text.encode("ascii"))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One maker at a time among the processes of one home; a killed one lets go."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise not_written(f"the folder {folder}", error) from error
    with exclusive(folder / "lock"):
        yield
