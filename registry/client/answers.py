"""The documents that a registry answers with, as far as scripts use them; fields that came later are passed over.

Times are RFC 3339, ids CIDs, metrics decimal strings; what is not known is None.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A page of a list; ``next`` is the cursor of the one after it."""

    items: list[T]
    next: str | None = None


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image of the catalog; ``sha256`` is None while its bytes have not come. ``reference``: how far that is."""

    sha256: str | None
    cid: str | None
    size: int | None
    label: str | None
    labels: dict[str, int]
    contributors: list[str]
    status: str
    subject: str | None = None
    licence: str | None = None
    history: list[dict[str, Any]] = []
    reference: dict[str, Any] | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot: how many images it has, by label, and how many were left out, by reason."""

    snapshot: str
    count: int
    labels: dict[str, int]
    excluded: dict[str, int]
    issuer: str | None = None
    names: list[str] = []


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run; ``metrics`` by name once it is completed."""

    run: str
    snapshot: str
    status: str
    plan: str | None = None
    release: str | None = None
    error: str | None = None
    folds: list[dict[str, Any]] = []
    metrics: dict[str, Any] | None = None
    next: str | None = None


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A release, whose claims stand with their verdicts."""

    release: str
    issuer: str
    snapshot: str
    entry: str | None = None
    metrics: dict[str, Any] = {}
    claims: list[dict[str, Any]] = []
    weights: list[dict[str, Any]] = []


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """A report: whether all that was checked holds, and each check."""

    target: str
    holds: bool
    checks: list[dict[str, Any]]
    issuer: str | None = None


class RowAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row of a request; ``row`` as the request counts them."""

    row: int
    status: str
    cid: str | None = None
    code: str | None = None
    reason: str | None = None
    note: str | None = None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request's rows; ``complete`` closes an answer that comes in lines."""

    rows: int
    registered: int = 0
    unchanged: int = 0
    corrected: int = 0
    referenced: int = 0
    rejected: int = 0
    complete: bool = True
    results: list[RowAnswer] = []


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """A withdrawal (None of a dry run), and all that it touches."""

    withdrawal: str | None
    target: str
    affected: Any = None
    runs: Any = None
    exported: Any = None
    removed: Any = None
    retrained: Any = None
