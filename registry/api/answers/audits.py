"""Types of answers about audits and what they rest on: lineage, lookups, anchors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from registry.api.answers.parts import Answer, Cid, Claim, Did, Fork, Time, Verdict
from registry.api.answers.releases import Attempts


class Check(Answer, frozen=True):
    """One check; ``reason`` says why it does not hold or was not made."""

    id: str
    level: Annotated[int, Meta(ge=1, le=8)]
    title: str
    result: Literal["holds", "does not hold", "not checked"]
    reason: str


class StatedCheck(Answer, frozen=True):
    """One check as somebody signed it; ``tolerance``: how far apart what was found and what is stated may lie."""

    id: str
    result: Literal["holds", "does not hold", "not checked"]
    reason: str
    tolerance: str | None


class TakenBack(Answer, frozen=True):
    """What was withdrawn of an audited record, and by whom."""

    what: str
    issuer: Did
    effective: str
    reason: str
    remedy: str


class Sampled(Answer, frozen=True):
    """What was drawn where not all was looked at: at most ``count``, by ``seed`` (hex), from ``beacon`` (None: the
    auditor chose it)."""

    count: int
    seed: str
    beacon: dict[str, Any] | None
    chosen: str


class Signed(Answer, frozen=True):
    """The record of an audit that was signed, and its entry."""

    audit: Cid
    entry: Cid


class Report(Answer, frozen=True):
    """What an audit found."""

    target: str
    type: str | None
    issuer: Did | None
    entry: Cid | None
    verdict: Verdict
    holds: bool
    records: str
    claims: list[Claim] | None
    attempt: Attempts | None
    withdrawn: list[TakenBack]
    missed: list[str]
    checks: list[Check]
    sample: Sampled | UnsetType | None = UNSET  # neither does it of this
    published: Signed | UnsetType = UNSET  # only where that was asked for
    forks: list[Fork] | UnsetType = UNSET  # an audit that an earlier program kept says nothing of it


class PublishedAudit(Answer, frozen=True):
    """An audit that somebody signed."""

    audit: Cid
    issuer: Did | None
    time: Time | None
    levels: list[int]
    checks: list[StatedCheck]


class AuditLine(Answer, frozen=True):
    """An audit that was made here, as lists give it."""

    id: str
    target: str
    name: str
    held: bool
    level: int | None
    status: Literal["running", "done", "failed", "interrupted"]
    error: str | None
    created: Time
    updated: Time
    records: str | None


class KeptAudit(Answer, frozen=True):
    """The same with its checks so far, and its report once it is whole."""

    id: str
    target: str
    name: str
    held: bool
    level: int | None
    status: Literal["running", "done", "failed", "interrupted"]
    error: str | None
    created: Time
    updated: Time
    checks: list[Check]
    report: Report | None


class Node(Answer, frozen=True):
    """A record of a lineage."""

    cid: str
    type: str
    issuer: Did | None
    time: Time | None
    status: str | None


class Edge(Answer, frozen=True):
    """From a record to what it names."""

    source: str = msgspec.field(name="from")
    to: str
    relation: str


class Lineage(Answer, frozen=True):
    """What a record came from and what came from it."""

    nodes: list[Node]
    edges: list[Edge]
    forks: list[Fork]


Statements = dict[str, dict[str, Any]]


class Prov(Answer, frozen=True, rename="camel"):
    """The same as W3C PROV-JSON."""

    prefix: dict[str, str]
    entity: Statements | UnsetType = UNSET
    activity: Statements | UnsetType = UNSET
    agent: Statements | UnsetType = UNSET
    was_generated_by: Statements | UnsetType = UNSET
    was_attributed_to: Statements | UnsetType = UNSET
    was_derived_from: Statements | UnsetType = UNSET
    was_revision_of: Statements | UnsetType = UNSET
    was_associated_with: Statements | UnsetType = UNSET
    was_influenced_by: Statements | UnsetType = UNSET
    used: Statements | UnsetType = UNSET
    had_member: Statements | UnsetType = UNSET


class Mention(Answer, frozen=True):
    """A record that names or holds what was looked up."""

    record: Cid
    type: str
    relation: str
    issuer: Did | None
    time: Time | None
