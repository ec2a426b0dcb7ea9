"""What this home has signed, as its own folder tells: ``HOME/log/<address>/head.json`` for each key that it had.

Invariant: read only; a head that can't be read counts as one whose place is not known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from registry.core.errors import not_read
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
        found = sorted((home / FOLDER).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise not_read(home / FOLDER, error) from error
    return [Head(did_of(one.name), _seq(one / HEAD)) for one in found if (one / HEAD).exists()]


def _seq(path: Path) -> int:
    try:
        return int(json.loads(path.read_bytes())["seq"])
    except (OSError, ValueError, LookupError, TypeError):
        return -1
