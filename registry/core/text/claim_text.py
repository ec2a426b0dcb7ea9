"""A claim as text and back: ``METRIC >= NUMBER`` or ``METRIC <= NUMBER``.

Invariants: one grammar for the command line, the API, the card, the report and every list. NUMBER is a decimal from 0
to 1 with up to six places, and has six in a record. Which metrics can be claimed is ``evaluation.claims``' to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from registry.core.records import Claim, Verdict

EXAMPLE = "macro_f1 >= 0.90"
_CLAIM = re.compile(
    r"\s*(?P<metric>\S.*)(?P<comparator>>=|<=)\s*(?P<threshold>0(?:\.[0-9]{1,6})?|1(?:\.0{1,6})?)\s*", re.DOTALL
)

_DECIMAL = re.compile(r"-?[0-9]{1,20}\.[0-9]{1,20}", re.ASCII)


class ClaimParts(NamedTuple):
    """The three parts of a claim; ``threshold`` has six places."""

    metric: str
    comparator: str
    threshold: str


def claim_parts(claim: Claim | Verdict | Mapping[str, Any]) -> ClaimParts:
    """Of a record, or of a document made from one."""
    if isinstance(claim, Mapping):
        return ClaimParts(*(str(claim[name]) for name in ClaimParts._fields))
    return ClaimParts(claim.metric, claim.comparator, claim.threshold)


def threshold_text(number: str) -> str:
    """A threshold without the zeros at its end, but with two places; what is no decimal as it is."""
    if not _DECIMAL.fullmatch(number):
        return number
    whole, _, places = number.partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


def claim_text(claim: Claim | Verdict | Mapping[str, Any], number: Callable[[str], str] = threshold_text) -> str:
    """The text of a claim, the same wherever people read it; ``number`` writes the threshold.

    A published card has all six places (``number=str``): its bytes are part of a release.
    """
    metric, comparator, threshold = claim_parts(claim)
    return f"{metric} {comparator} {number(threshold)}"


def split_claim(text: str) -> ClaimParts | None:
    """The parts of a claim's text, whatever its metric is; None where it has not this form."""
    found = _CLAIM.fullmatch(text)
    if found is None:
        return None
    return ClaimParts(found["metric"].strip(), found["comparator"], f"{Decimal(found['threshold']):.6f}")
