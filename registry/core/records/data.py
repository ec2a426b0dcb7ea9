"""What is said of images: contributions, snapshots and what preprocessing made of them.

Invariant: whatever grows with the number of images is a table; a record holds its link.
"""

from __future__ import annotations

from typing import Any

import msgspec

from registry.core.ipld.cid import CID
from registry.core.records.base import Record


class Contribution(Record, frozen=True, kw_only=True, tag="contribution"):
    """Labels that somebody gives to images; ``rows`` is a CONTRIBUTION_ROWS table. Append-only.

    ``issuer`` is who says it, and the only one whose entry counts for it: the contributors' names are that issuer's
    words, so a name here is not that name in another issuer's contribution.
    """

    issuer: str  # did:pkh, the entry's
    rows: CID


class Snapshot(Record, frozen=True, kw_only=True, tag="snapshot"):
    """An immutable set of images with one label each. ``items``: SNAPSHOT_ITEMS, ``excluded``: EXCLUDED.

    ``aliases`` says which labels as given (NFC, trimmed, casefolded) count as which class by index (-1: as a picture
    that shows nothing of any class), so that anyone can decide every item again from the contributions alone.
    """

    items: CID
    count: int
    classes: tuple[str, ...]
    aliases: dict[str, int] = msgspec.field(default_factory=dict)
    query: dict[str, Any]
    rule: str
    contributions: tuple[CID, ...]
    excluded: CID
    supersedes: bytes | None = None  # named


class Preprocessing(Record, frozen=True, kw_only=True, tag="preprocessing"):
    """What cleaning and resizing made of a snapshot; ``output`` is a PREPARED table."""

    snapshot: CID
    recipe: CID
    output: CID
