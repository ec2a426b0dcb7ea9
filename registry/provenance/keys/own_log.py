"""What this home has signed, as its own folder tells: ``HOME/log/<address>/head.json`` for each key that it had.

Invariant: read only; a head that can't be read counts as one whose place is not known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from registry.core.errors import Conflict, not_read, not_written
from registry.core.log import did_of

FOLDER = "log"
HEAD = "head.json"


@dataclass(frozen=True)
class Head:
    """The newest entry that the home knows of one issuer that is, or was, its own; ``seq`` is -1 if not known."""

    issuer: str
    seq: int


def heads(home: Path) -> list[Head]:
    """One for each key that this home signed with, by rising address. ``Unavailable`` if the folder can't be read."""
    try:
        found = [one for one in sorted((home / FOLDER).iterdir()) if (one / HEAD).exists()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise not_read(home / FOLDER, error) from error
    return [Head(did_of(one.name), _seq(one / HEAD)) for one in found]


def check_signer(home: Path, address: str | None) -> None:
    """``Conflict`` (``key_missing``) where this home's log was signed by another key than the one that is there
    (``address``; None: there is none). Who wants to go on under a new name says so: ``go_on_as``.
    """
    if address is not None and (home / FOLDER / address.lower()).is_dir():
        return
    signers = [head.issuer for head in heads(home)]
    if not signers:
        return
    there = "there is no key here" if address is None else f"the key here is {address}'s"
    raise Conflict(
        f"this home's log was signed by {' and '.join(signers)}, but {there}",
        code="key_missing",
        hint="put the folder `keys` back from a backup, or begin another identity with `emotionet keys new --another`.",
    )


def go_on_as(home: Path, address: str) -> None:
    """From now on this key signs here, whoever signed before it."""
    try:
        (home / FOLDER / address.lower()).mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise not_written(home / FOLDER, error) from error


def _seq(path: Path) -> int:
    try:
        return int(json.loads(path.read_bytes())["seq"])
    except (OSError, ValueError, LookupError, TypeError):
        return -1
