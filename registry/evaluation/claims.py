"""Claims: what a plan promises, and whether the evaluation bears it out.

Grammar: ``METRIC >= NUMBER`` or ``METRIC <= NUMBER``, with METRIC one of ``macro_f1 micro_f1 accuracy pr_auc
map50 map50_95``, ``f1(LABEL) recall(LABEL) precision(LABEL)``, ``recall_gap(class)`` or ``recall(ATTR=VALUE)``, and
NUMBER a decimal from 0 to 1 with up to six places. Text is taken as NFC.

The rule of proof ``interval``: ``>=`` is supported if the interval's lower bound reaches the threshold, refuted
if its upper bound lies below it, otherwise undecided; ``<=`` mirrored. What is not estimable is undecided.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal

from registry.core.errors import InvalidInput
from registry.core.records import Claim, Metric, Verdict

_NAME = r"[^()=<>\x00-\x1f]{1,200}"
_METRIC = (
    r"macro_f1|micro_f1|accuracy|pr_auc|map50_95|map50|recall_gap\(class\)"
    rf"|(?:f1|recall|precision)\({_NAME}\)|recall\({_NAME}={_NAME}\)"
)
_CLAIM = re.compile(
    rf"\s*(?P<metric>{_METRIC})\s*(?P<comparator>>=|<=)\s*(?P<threshold>0(?:\.[0-9]{{1,6}})?|1(?:\.0{{1,6}})?)\s*"
)
_THRESHOLD = re.compile(r"0\.[0-9]{6}|1\.000000")


def parse_claim(text: str) -> Claim:
    """A claim from its text. ``InvalidInput`` (``bad_claim``) with an example otherwise."""
    found = _CLAIM.fullmatch(unicodedata.normalize("NFC", text))
    if found is None:
        raise InvalidInput(
            f"{text!r} is no claim: write it like 'macro_f1 >= 0.90', 'recall_gap(class) <= 0.10', 'f1(feliz) >= 0.8' "
            "or 'recall(gender=f) >= 0.85', with a number from 0 to 1",
            code="bad_claim",
        )
    return Claim(metric=found["metric"], comparator=found["comparator"], threshold=f"{Decimal(found['threshold']):.6f}")


def judge(claim: Claim, metric: Metric | None) -> Verdict:
    """The verdict on a claim from the metric that it names (None: there is none by this name).

    ``InvalidInput`` (``bad_claim``) for a claim that ``parse_claim`` would not have made.
    """
    stated = claim.proof == "interval" and claim.comparator in (">=", "<=")
    if not stated or not _THRESHOLD.fullmatch(claim.threshold):
        raise InvalidInput(
            f"the claim {claim.metric} {claim.comparator} {claim.threshold} ({claim.proof}) has no meaning here: "
            "a plan's claims come from parse_claim",
            code="bad_claim",
        )
    return Verdict(
        metric=claim.metric,
        comparator=claim.comparator,
        threshold=claim.threshold,
        value=metric.value if metric else None,
        low=metric.low if metric else None,
        high=metric.high if metric else None,
        verdict=_verdict(claim, metric),
    )


def _verdict(claim: Claim, metric: Metric | None) -> str:
    if metric is None or metric.value is None or metric.low is None or metric.high is None:
        return "undecided"
    low, high, threshold = Decimal(metric.low), Decimal(metric.high), Decimal(claim.threshold)
    if claim.comparator == ">=":
        return "supported" if low >= threshold else "refuted" if high < threshold else "undecided"
    return "supported" if high <= threshold else "refuted" if low > threshold else "undecided"


def judge_all(claims: tuple[Claim, ...], metrics: Mapping[str, Metric]) -> tuple[Verdict, ...]:
    """Every claim's verdict, in the order of the plan."""
    return tuple(judge(claim, metrics.get(claim.metric)) for claim in claims)
