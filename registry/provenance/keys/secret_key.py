"""A publishing key that is handed over as a secret (a file that Docker, systemd or Kubernetes mounts, or a variable)
instead of lying in the home: machines that publish as one issuer share no folder.

Two forms are read: a V3 keystore, which a passphrase opens, and 64 hexadecimal digits, which whoever hands them over
keeps secret. Invariants: nothing of it is written anywhere; whose key it is can be told without opening it; no error
shows it. Who may read the file is for the one who mounts it to decide: the usual modes of mounted secrets are taken.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from coincurve import PrivateKey

from registry.core.errors import InvalidInput
from registry.core.issuers import address_of_key
from registry.provenance.keys import keystore
from registry.provenance.keys.keys import Key

NAME = "EMOTIONET_KEY"
_HEX = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")
_ADDRESS = re.compile(r"(?:0x)?([0-9a-fA-F]{40})")


def _damaged(why: str, place: Path | None) -> InvalidInput:
    return InvalidInput(
        f"{f'the secret {NAME}' if place is None else place} is no publishing key: {why}",
        code="key_file_damaged",
        hint="give a keystore file, like the one that `emotionet keys show` names.",
    )


def address_of_secret(text: str, place: Path | None = None) -> str:
    """Whose key it is, 0x and small letters, without opening it; ``place``: the file that it was read from, if it was.
    ``InvalidInput`` (``key_file_damaged``)."""
    plain = _HEX.fullmatch(text.strip())
    if plain is not None:
        return address_of_key(_private(plain[1], place).public_key.format(compressed=True))
    try:
        said = json.loads(text)
        found = _ADDRESS.fullmatch(str(said.get("address")))
    except (ValueError, AttributeError):
        found = None
    if found is None:
        raise _damaged("it is neither a keystore that names its address nor 64 hexadecimal digits", place)
    return "0x" + found[1].lower()


def open_secret(text: str, passphrase: str | None, place: Path | None) -> Key:
    """The key; ``place`` is the file it came from (None: the variable). ``InvalidInput``: ``key_file_damaged``,
    ``passphrase_missing``, ``wrong_passphrase``."""
    plain = _HEX.fullmatch(text.strip())
    if plain is not None:
        return Key(_private(plain[1], place), place or Path(NAME), created=False)
    address = address_of_secret(text, place)
    if not passphrase:
        raise InvalidInput(
            f"the key in {place or NAME} needs its passphrase",
            code="passphrase_missing",
            hint="set EMOTIONET_PASSPHRASE_FILE.",
        )
    key = Key(PrivateKey(keystore.decrypt(text, passphrase)), place or Path(NAME), created=False)
    if key.address != address:
        raise _damaged("it says another address than its own", place)
    return key


def _private(digits: str, place: Path | None) -> PrivateKey:
    try:
        return PrivateKey(bytes.fromhex(digits))
    except ValueError:
        raise _damaged("these 64 digits are no key", place) from None
