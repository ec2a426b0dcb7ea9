"""Claims: what a plan promises, and whether the evaluation bears it out.

Grammar: ``METRIC >= NUMBER`` or ``METRIC <= NUMBER``, with METRIC one of ``macro_f1 micro_f1 accuracy pr_auc
map50 map50_95``, ``f1(LABEL) recall(LABEL) precision(LABEL)``, ``recall_gap(class)`` or ``recall(ATTR=VALUE)``, and
NUMBER a decimal from 0 to 1 with up to six places.

The rule of proof ``interval``: ``>=`` is supported if the interval's lower bound reaches the threshold, refuted
if its upper bound lies below it, otherwise undecided; ``<=`` mirrored. What is not estimable is undecided.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from registry.core.errors import InvalidInput
from registry.core.records import Claim, Metric, Verdict

_PLAIN = r"macro_f1|micro_f1|accuracy|pr_auc|map50_95|map50"
_CLAIM = re.compile(
    rf"\s*(?P<metric>{_PLAIN}|recall_gap\(class\)|(?:f1|recall|precision)\([^()=<>]{{1,200}}\)|recall\([^()=<>]{{1,100}}=[^()<>]{{1,100}}\))"
    r"\s*(?P<comparator>>=|<=)\s*(?P<threshold>0(?:\.\d{1,6})?|1(?:\.0{1,6})?)\s*\Z"
)


def parse_claim(text: str) -> Claim:
    """A claim from its text. ``InvalidInput`` (``bad_claim``) with an example otherwise."""
    found = _CLAIM.match(text)
    if found is None:
        raise InvalidInput(
            f"{text!r} is no claim: write it like 'macro_f1 >= 0.90' or 'recall_gap(class) <= 0.10'", code="bad_claim"
        )
    return Claim(metric=found["metric"], comparator=found["comparator"], threshold=f"{Decimal(found['threshold']):.6f}")


def judge(claim: Claim, metric: Metric | None) -> Verdict:
    """The verdict on a claim from the metric that it names (None: there is none by this name)."""
    known = metric is not None and metric.value is not None and metric.low is not None and metric.high is not None
    verdict = "undecided"
    if known and metric is not None:
        low, high, threshold = (Decimal(str(value)) for value in (metric.low, metric.high, claim.threshold))
        if claim.comparator == ">=":
            verdict = "supported" if low >= threshold else "refuted" if high < threshold else "undecided"
        else:
            verdict = "supported" if high <= threshold else "refuted" if low > threshold else "undecided"
    return Verdict(
        metric=claim.metric,
        comparator=claim.comparator,
        threshold=claim.threshold,
        value=metric.value if metric else None,
        low=metric.low if metric else None,
        high=metric.high if metric else None,
        verdict=verdict,
    )


def judge_all(claims: tuple[Claim, ...], metrics: Mapping[str, Metric]) -> tuple[Verdict, ...]:
    """Every claim's verdict, in the order of the plan."""
    return tuple(judge(claim, metrics.get(claim.metric)) for claim in claims)
