"""Claims that somebody typed, read against the snapshot that they are about."""

from __future__ import annotations

from collections.abc import Sequence

from registry.core import records
from registry.core.table import tables
from registry.evaluation.claims import check_about, parse_claim
from registry.workflows.parts import Parts


def read_claims(parts: Parts, snapshot: records.Snapshot, texts: Sequence[str]) -> tuple[records.Claim, ...]:
    """Claims from their texts. ``InvalidInput`` (``bad_claim``) if one is malformed, ambiguous, or of an unknown
    group or class."""
    claims = tuple(parse_claim(text, snapshot.classes) for text in texts)
    rows = tables.rows_as_dicts(snapshot.items, parts.store.get)
    check_about(claims, snapshot.classes, (row["attributes"] for row in rows))
    return claims
