"""Each claim of a release as a PRML manifest, whose sha256 says that the bar was not moved.

Invariants: the bytes are PRML's canonical ones, so that their sha256 is the manifest's; they follow from the plan, as
it was signed before its folds were drawn. The sha256 alone proves no time: the plan's entry and its anchor do.

Source: PRML v0.1 (sections 2 to 4), as its reference program (package falsify 0.4.0) reads it; UUIDv7: RFC 9562.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime
from typing import Any
from uuid import UUID

import yaml

from registry.core.errors import InvalidInput
from registry.core.records import Claim
from registry.exports.attest.source import Source, digest_of, uri

COMPARATORS = frozenset((">=", "<="))
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_REFUSED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")  # in a manifest's texts
_MOST = 256  # characters of a metric


def manifests(source: Source) -> list[bytes]:
    """A manifest a claim, in the plan's order. ``InvalidInput`` (``bad_claim``) for one that PRML can't say."""
    return [_canonical(_manifest(source, number, one)) for number, one in enumerate(source.view.plan.claims)]


def _manifest(source: Source, number: int, claim: Claim) -> dict[str, Any]:
    view = source.view
    created = source.planned_at
    data = digest_of(view.preprocessing.snapshot).get("sha256")
    if (
        created is None
        or data is None
        or claim.comparator not in COMPARATORS
        or not _DECIMAL.fullmatch(claim.threshold)
    ):
        raise InvalidInput(
            f"claim {number + 1} is none that PRML can say",
            code="bad_claim",
            hint="`emotionet audit` says what is wrong with the plan.",
        )
    return {
        "version": "prml/0.1",
        "claim_id": _uuid7(created, f"{view.draw.plan} {number}"),
        "created_at": created,
        "metric": _text(claim.metric)[:_MOST],
        "comparator": claim.comparator,
        "threshold": float(claim.threshold),
        "dataset": {"id": uri(view.preprocessing.snapshot), "hash": data},
        "seed": view.plan.seed,
        "producer": {"id": _text(source.issuer)},
        "notes": f"Plan {uri(view.draw.plan)}, signed by {uri(view.release.plan_entry)}; dataset.hash is the sha256 of "
        "the snapshot's record. The 95 % interval's worse bound must satisfy the comparison.",
    }


def _text(text: str) -> str:
    """As PRML takes it: NFC, and no control character."""
    return unicodedata.normalize("NFC", _REFUSED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)) or "?"


def _uuid7(created: str, name: str) -> str:
    """Of a time, and for the rest of a name: the same for the same."""
    milliseconds = int(datetime.fromisoformat(created).timestamp() * 1000)
    rest = bytearray(hashlib.sha256(name.encode()).digest()[:10])
    rest[0] = 0x70 | rest[0] & 0x0F
    rest[2] = 0x80 | rest[2] & 0x3F
    return str(UUID(bytes=milliseconds.to_bytes(6, "big") + bytes(rest)))


def _canonical(manifest: dict[str, Any]) -> bytes:
    text: str = yaml.safe_dump(
        manifest, default_flow_style=False, sort_keys=True, width=float("inf"), allow_unicode=True
    )
    return (text.rstrip() + "\n").encode()
