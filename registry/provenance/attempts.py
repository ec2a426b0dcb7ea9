"""Counts an issuer's plans with the same claim on mostly the same images, and the place of a release's plan among them.

Two plans are attempts at the same where

* they share a claim: the same figure and comparator, whatever the threshold; or neither makes any; and
* they are on one snapshot, or on two that share, by sha256, more than half of the smaller one's images.

Invariant: pure; the same from an issuer's catalog as from the log itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.core.text.claim_text import ClaimParts

Get = Callable[[CID], bytes]


def count_attempts(get: Get, plans: Sequence[CID], plan: CID) -> records.Attempts:
    """Among an issuer's ``plans``, one an entry in the log's order, those that attempt the same as ``plan``, one of
    them.

    Errors as ``get``'s and those of records that are malformed.
    """
    found = [plans[at] for at in attempting(get, plans, plan)]
    return records.Attempts(count=len(found), number=found.index(plan) + 1)


def attempting(get: Get, plans: Sequence[CID], plan: CID) -> list[int]:
    """Which of ``plans``, by place, attempt the same as ``plan``. Errors as ``count_attempts``'."""
    own = records.parse_as(records.Plan, get(plan))
    same_images = SameImages(get)
    return [
        at
        for at, cid in enumerate(plans)
        if cid == plan
        or (
            claim_the_same(own.claims, (other := records.parse_as(records.Plan, get(cid))).claims)
            and same_images(_snapshot(get, own), _snapshot(get, other))
        )
    ]


class SameImages:
    """Whether two snapshots are mostly of the same images; each snapshot is read once."""

    def __init__(self, get: Get) -> None:
        self._get = get
        self._images: dict[CID, frozenset[bytes]] = {}

    def __call__(self, one: CID, other: CID) -> bool:
        """Errors as ``get``'s and those of records that are malformed."""
        if one == other:
            return True
        mine, theirs = self._of(one), self._of(other)
        return 2 * len(mine & theirs) > min(len(mine), len(theirs))

    def _of(self, cid: CID) -> frozenset[bytes]:
        if cid not in self._images:
            snapshot = records.parse_as(records.Snapshot, self._get(cid))
            self._images[cid] = frozenset(row["sha256"] for row in tables.rows_as_dicts(snapshot.items, self._get))
        return self._images[cid]


def claim_the_same(mine: Iterable[records.Claim | ClaimParts], theirs: Iterable[records.Claim | ClaimParts]) -> bool:
    """Whether two plans with these claims share one, whatever its threshold; two without any do."""
    one, other = ({(claim.metric, claim.comparator) for claim in claims} for claims in (mine, theirs))
    return bool(one & other) or not (one or other)


def _snapshot(get: Get, plan: records.Plan) -> CID:
    return records.parse_as(records.Preprocessing, get(plan.preprocessing)).snapshot
