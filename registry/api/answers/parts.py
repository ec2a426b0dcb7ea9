"""What the types of answers are made of. They describe what handlers give; nothing is converted by them.

Invariants: every field is named and no other comes, so that a wrong answer shows against the description at /schema; a
field that may be absent has a default. A page of any list has ``items`` and ``next``, the cursor of the page after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

Cid = Annotated[str, Meta(pattern="^[A-Za-z0-9]{20,200}$")]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Did = Annotated[str, Meta(pattern="^did:pkh:eip155:1:0x[0-9a-f]{40}$")]
Address = Annotated[str, Meta(pattern="^0x[0-9a-f]{40}$")]
Time = Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\\.[0-9]+)?Z$")]
Decimal = Annotated[str, Meta(pattern="^-?[0-9]+(\\.[0-9]+)?$")]
Count = Annotated[int, Meta(ge=0)]
Box = tuple[float, float, float, float]
Counts = dict[str, Count]
Item = TypeVar("Item")


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every answer's type."""


class PageOf(Answer, Generic[Item], frozen=True):
    """One page of a list; ``next`` is the cursor of the page after it, or null."""

    items: list[Item]
    next: str | None


@dataclass(frozen=True)
class Bytes:
    """An answer that is no JSON: its media types. ``partial``: a range may be asked for (206)."""

    types: tuple[str, ...]
    partial: bool = False
    cached: bool = True  # 304 where the client has it already


class Said(Answer, frozen=True):
    """A sentence, by language."""

    en: str
    es: str


class Part(Said, frozen=True):
    """One sentence of a verdict, with a stable word for programs."""

    code: str


class Verdict(Said, frozen=True):
    """What became of what was claimed."""

    state: str
    records: str
    short: Said
    parts: list[Part]


class Withdrawal(Answer, frozen=True):
    """Who took something back, when and why. ``what``: this, its snapshot, or an image with its sha256."""

    what: str
    issuer: Did
    entry: Cid
    target: str
    effective: str
    reason: str
    remedy: str


class Fork(Answer, frozen=True):
    """Two entries of one issuer's log that contradict each other."""

    issuer: Did
    entries: list[Cid]
    seen: Time
    pairs: Count
    text: Said


class AnchorPlace(Answer, frozen=True):
    """Where an entry's anchor stands at one place, or one piece of evidence; ``text``: on whose word it stands."""

    status: str
    chain: str | None
    transaction: str | None
    block: int | str | None
    time: Time | None
    text: str
    kind: str | UnsetType = UNSET
    by: str | UnsetType | None = UNSET
    problem: str | UnsetType | None = UNSET


class Anchor(Answer, frozen=True):
    """Where an entry's anchor stands: the one that is counted on, and every place or piece of evidence."""

    status: str
    chain: str | None
    transaction: str | None
    block: int | str | None
    time: Time | None
    entry: Cid | UnsetType = UNSET
    contract: str | UnsetType | None = UNSET
    places: list[AnchorPlace] | UnsetType = UNSET
    evidence: list[AnchorPlace] | UnsetType = UNSET


class Claim(Answer, frozen=True):
    """A claim and what the predictions say of it; a value that can't be had has its ``reason``."""

    metric: str
    comparator: Literal[">=", "<=", ">", "<"]
    threshold: Decimal
    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    verdict: str
    needed: int | None
    reason: str | None
    n: Count | UnsetType | None = UNSET
    alone: str | UnsetType | None = UNSET
    in_plan: bool | UnsetType = UNSET


class Figure(Answer, frozen=True):
    """One figure with its interval; null where it can't be had, with the ``reason``."""

    name: str
    metric: str
    of: list[str]
    group: dict[str, str]
    klass: str | None = msgspec.field(name="class")
    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    n: Count
    reason: str | None


class Note(Answer, frozen=True):
    """What has to be known beside the figures."""

    code: str
    values: dict[str, Any]
    text: Said


Figures = dict[str, Figure]
