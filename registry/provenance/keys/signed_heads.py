"""The newest entry that each key of this home has signed, in ``HOME/log/<address>/head.json``.

Invariant: a hint, which nothing depends on: the database knows where a log ends, and an older one that was restored is
found out by this file too. A head that can't be read counts as one whose place is not known.

``HOME/log/made/<address>`` marks a key that this home made: such a key has no log anywhere else yet. It lies apart from
the key, so that it does not go along where a key file or the folder ``keys`` is copied (``workflows.log.beginning``).
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
MADE = "made"
NOTE = "emotionet"  # a field of a copied keystore, which other programs pass over


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


def mark_made(home: Path, address: str) -> None:
    """This home makes this key; before its file is there. ``Unavailable`` if it can't be written."""
    try:
        (home / FOLDER / MADE).mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / FOLDER / MADE / address.lower()).touch()
    except OSError as error:
        raise not_written(home / FOLDER, error) from error


def was_made(home: Path, address: str) -> bool:
    """Whether this home made this key."""
    return (home / FOLDER / MADE / address.lower()).exists()


def with_note(keystore: str, newest: Head) -> str:
    """A keystore's text that tells, beside the key, where its log was when it was copied (``NOTE``)."""
    note = {"issuer": newest.issuer, "seq": newest.seq, "entry": str(newest.entry)}
    return json.dumps({**json.loads(keystore), NOTE: note}, indent=1) + "\n"


def noted(keystore: str) -> Head | None:
    """Where a key's log was when it was copied; None where its text does not tell."""
    try:
        note = json.loads(keystore)[NOTE]
        return Head(str(note["issuer"]), int(note["seq"]), CID.parse(note["entry"]))
    except (ValueError, LookupError, TypeError, InvalidInput):
        return None


def _head(path: Path, issuer: str) -> Head:
    try:
        known = json.loads(path.read_bytes())
        return Head(issuer, int(known["seq"]), CID.parse(known["entry"]))
    except (OSError, ValueError, LookupError, TypeError, InvalidInput):
        return Head(issuer, -1)
