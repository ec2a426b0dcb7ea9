"""An issuer's plans with such a claim as a release's, each with why it does not count by the release's own rule.

Invariant: a plan is an attempt whether or not anything came of it; how many there were when a release was published
stands in its own record, and what the catalog knows is told beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from registry.catalog.queries.signed_records import entries
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.remembered import Remembered
from registry.core.run_view import ReleaseView
from registry.core.text.claim_text import ClaimParts, claim_parts, split_claim
from registry.provenance.attempts import SameImages, claim_the_same
from registry.workflows.parts import Parts
from registry.workflows.runs.list_plans import list_plans

MOST_PLANS = 50  # of an issuer, the newest, that are looked at: each is read
MOST_IMAGES = 20_000  # of a snapshot that is compared with another
_alike = Remembered[tuple[str, str], bool](10_000)


@dataclass(frozen=True)
class Attempt:
    """A plan of the same issuer that claims the same figures; ``this`` is the release's own."""

    plan: str
    entry: str
    time: str
    snapshot: str
    recipe: str
    claims: tuple[dict[str, str], ...]  # metric, comparator, threshold
    releases: tuple[str, ...]
    this: bool
    days: int  # since it was signed
    beside: str | None = None  # why the release does not count it: "images", "later"; "unknown": too many images


def attempts(parts: Parts, view: ReleaseView, issuer: str, entry: str) -> tuple[list[Attempt], bool]:
    """This issuer's plans that share a claim's figure with the release's, newest first, each with why it does not count
    by the rule of the release's record; and whether there are plans older than those that were looked at."""
    lines, more = list_plans(parts, issuer, limit=MOST_PLANS)
    own = list(map(claim_parts, view.plan.claims))
    found = [_attempt(line, view) for line in lines if claim_the_same(_claims(line), own)]
    with parts.catalog.read() as db:
        later = entries.later(db, CID.parse(entry), [one.entry for one in found])
    return [
        replace(one, beside="later" if one.entry in later else _beside(parts, view, one)) for one in found
    ], more is not None


def _beside(parts: Parts, view: ReleaseView, one: Attempt) -> str | None:
    """Why an attempt before the release is not among those that it counts (``registry.provenance.attempts``)."""
    if one.this:
        return None
    mine, theirs = sorted((str(view.preprocessing.snapshot), one.snapshot))
    return _compared(parts, mine, theirs)


def _compared(parts: Parts, one: str, other: str) -> str | None:
    """As ``_beside``, of two snapshots, which never change: remembered."""
    pair = CID.parse(one), CID.parse(other)
    try:
        sizes = [records.parse_as(records.Snapshot, parts.store.get(cid)).count for cid in set(pair)]
        if one != other and max(sizes) > MOST_IMAGES:
            return "unknown"
        alike = _alike.of((one, other), lambda: SameImages(parts.store.get)(*pair))
    except EmotionetError:
        return "unknown"
    return None if alike else "images"


def _claims(line: Mapping[str, Any]) -> list[ClaimParts]:
    return [parts for text in line["claims"] if (parts := split_claim(text)) is not None]


def _attempt(line: Mapping[str, Any], view: ReleaseView) -> Attempt:
    return Attempt(
        plan=line["plan"],
        entry=line["entry"],
        time=line["time"],
        snapshot=line["snapshot"],
        recipe=line["recipe"],
        claims=tuple(one._asdict() for one in _claims(line)),
        releases=tuple(line["releases"]),
        this=line["plan"] == str(view.draw.plan),
        days=line["days"],
    )
