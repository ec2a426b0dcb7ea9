"""The files of a key that takes a log over, in an order that a kill at any moment can't harm.

``HOME/keys/next/`` holds the new key from before the entry that hands the log over, ``HOME/keys/replaced/`` the old one
from after it; the key in ``HOME/keys`` is the one that signs. Whether the entry was appended, the catalog knows: while
``next`` holds a key, whoever opens this home's key asks it (``assembly``) and then finishes (``take_over``).

Invariants: no key is ever deleted; each step moves one file, and doing all of them again changes nothing.
"""

from __future__ import annotations

from pathlib import Path

from registry.core.errors import InvalidInput, NotFound, not_written
from registry.files import sync_folder
from registry.provenance.keys import keys
from registry.provenance.keys.keys import FOLDER, Key

NEXT, REPLACED = "next", "replaced"


def waiting(home: Path) -> str | None:
    """The address of a key that is to take over; None where none is. ``InvalidInput`` (``several_keys``)."""
    path = keys.key_file(home / FOLDER / NEXT)
    return None if path is None else path.stem


def next_key(home: Path, passphrase: str | None, given: Key | None = None) -> Key:
    """The key that is to take over: the one that waits, or ``given``, or a new one; on the disk when this returns.

    ``passphrase`` opens it, and is the home's where it is None. Errors as of ``keys.load``; ``InvalidInput``
    (``several_keys``) where another than ``given`` waits.
    """
    folder = home / FOLDER / NEXT
    phrase = keys.passphrase_of(home) if passphrase is None else passphrase
    path = keys.key_file(folder)
    if path is not None and given is not None and path.stem != given.address:
        raise InvalidInput(
            f"{folder} holds another key, of a rotation that was begun",
            code="several_keys",
            hint="finish that one with `emotionet keys rotate` first.",
        )
    if path is not None:
        return keys.open_file(path, phrase)
    return keys.create_in(folder, phrase, random=passphrase is None and keys.is_random(home), given=given)


def take_over(home: Path, address: str) -> Path:
    """The waiting key ``address`` becomes the one that signs, at this path; the one before is kept in ``replaced``."""
    folder = home / FOLDER
    new = folder / NEXT / f"{address}.json"
    if not new.exists():
        raise NotFound(f"{new} is not there")
    try:
        (folder / REPLACED).mkdir(mode=0o700, exist_ok=True)
        old = keys.key_file(folder)
        if old is not None:
            old.replace(folder / REPLACED / old.name)
            sync_folder(folder / REPLACED)
        now = new.replace(folder / new.name)
        sync_folder(folder)
        return now
    except OSError as error:
        raise not_written(f"the folder {folder}", error) from error


def files(home: Path) -> list[dict[str, str]]:
    """Every key file of a home: ``address, place`` (current, next, replaced) and ``path``; nothing is opened."""
    folders = (("current", home / FOLDER), (NEXT, home / FOLDER / NEXT), (REPLACED, home / FOLDER / REPLACED))
    return [
        {"address": path.stem, "place": place, "path": str(path)}
        for place, folder in folders
        for path in sorted(folder.glob("0x*.json"))
    ]
