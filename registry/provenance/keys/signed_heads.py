"""The newest entry that each key of this home has signed, in ``HOME/log/<address>/head.json``.

Invariant: a hint, which nothing depends on: the database knows where a log ends, and an older one that was restored is
found out by this file too. A head that can't be read counts as one whose place is not known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from registry.core.errors import Conflict, InvalidInput, not_read, not_written
from registry.core.ipld.cid import CID
from registry.core.issuers import address_of, did_of
from registry.files import single_writer_file

FOLDER = "log"
KEYS = "keys"  # where the keys of a home lie, beside it
HEAD = "head.json"


@dataclass(frozen=True)
class Head:
    """The newest entry that the home knows of one issuer that is, or was, its own; ``seq`` is -1 if not known."""

    issuer: str
    seq: int
    entry: CID | None = None


def heads(home: Path) -> list[Head]:
    """One for each key that this home signed with, by rising address. ``Unavailable`` if the folder can't be read."""
    try:
        found = [one for one in sorted((home / FOLDER).iterdir()) if (one / HEAD).exists()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise not_read(home / FOLDER, error) from error
    return [_head(one / HEAD, did_of(one.name)) for one in found]


def remember(home: Path, issuer: str, seq: int, entry: CID) -> None:
    """The newest entry of an issuer's log; the caller holds that log's lock. No-op where a later one is known.

    ``Unavailable`` if it can't be written.
    """
    folder = home / FOLDER / address_of(issuer)
    if _head(folder / HEAD, issuer).seq >= seq:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise not_written(folder, error) from error
    with single_writer_file(folder / HEAD) as stream:
        stream.write(json.dumps({"seq": seq, "entry": str(entry)}).encode())


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
    """From now on this key may sign here, besides those that signed before."""
    try:
        (home / FOLDER / address.lower()).mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise not_written(home / FOLDER, error) from error


def _head(path: Path, issuer: str) -> Head:
    try:
        known = json.loads(path.read_bytes())
        return Head(issuer, int(known["seq"]), CID.parse(known["entry"]))
    except (OSError, ValueError, LookupError, TypeError, InvalidInput):
        return Head(issuer, -1)
