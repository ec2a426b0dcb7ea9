"""Records about images: contributions, snapshots and their preprocessing.

Invariant: whatever grows with the number of images is a table; a record holds its link.
"""

from __future__ import annotations

from typing import Any

import msgspec

from registry.core.ipld.cid import CID
from registry.core.records.base import Part, Record


class Contribution(Record, frozen=True, kw_only=True, tag="contribution"):
    """Labels that somebody gives to images; ``rows`` is a CONTRIBUTION_ROWS table. Append-only.

    ``issuer`` is who says it, and the only one whose entry counts for it: the contributors' names are that issuer's
    words, so a name here is not that name in another issuer's contribution.
    """

    issuer: str  # did:pkh, the entry's
    rows: CID  # each row says one thing of one image by one contributor


class Use(Part, frozen=True, kw_only=True):
    """What was demanded of images' rights: of all that anybody says of an image, not of single rows.

    Images that say no of themselves are left out, or taken all the same for a stated reason
    (``registry.core.snapshots.use``).
    """

    override: str | None  # why images that say no are in; None: they are left out
    licences: tuple[str, ...]  # sorted; an image states one of these, and no other; empty: any, or none
    consent: bool  # an image states a consent, and no refusal


class Snapshot(Record, frozen=True, kw_only=True, tag="snapshot"):
    """An immutable set of images with one label each. ``items``: SNAPSHOT_ITEMS, ``excluded``: EXCLUDED.

    ``aliases`` says which labels as given (NFC, trimmed, casefolded) count as which class by index (-1: as a picture
    that shows nothing of any class), so that anyone can decide every item again from the contributions alone.
    """

    v: int = 2  # version 1 had no use and nobody was trusted
    items: CID  # the images
    count: int  # of items
    classes: tuple[str, ...]  # names by index, all different
    aliases: dict[str, int] = msgspec.field(default_factory=dict)  # index by label, as labels are compared
    query: dict[str, Any]  # what was demanded of a row; {} for nothing
    rule: str  # by which contributors' labels become one: majority-v1, newest-v1, unanimous-v1 or trusted-v1
    trusted: tuple[tuple[str, str], ...] = ()  # (issuer, contributor), sorted: whose labels count by trusted-v1
    use: Use | None = None  # what was demanded of images' rights; None of version 1: nobody asked
    contributions: tuple[CID, ...]  # all that the query found rows in, in the order of each issuer's log
    excluded: CID  # the images that were left out, and why
    supersedes: bytes | None = None  # named: the snapshot that this one replaces; None for none


class Preprocessing(Record, frozen=True, kw_only=True, tag="preprocessing"):
    """What cleaning and resizing made of a snapshot; ``output`` is a PREPARED table."""

    snapshot: CID
    recipe: CID  # the same as the plan's
    output: CID  # one row an item
