"""Claims: what a plan promises, and whether the evaluation bears it out.

Grammar: ``METRIC >= NUMBER`` or ``METRIC <= NUMBER``, NUMBER a decimal from 0 to 1 with up to six places, METRIC one of

* ``macro_f1 micro_f1 weighted_f1``, the same of ``precision`` and ``recall``, ``accuracy pr_auc map50 map50_95``;
* ``ap(CLASS) ap50(CLASS) ap50_95(CLASS)``;
* ``f1(X) recall(X) precision(X)``, X a class or a GROUP: ``ATTR=VALUE``, or ``ATTR=VALUE & ATTR=VALUE``;
* ``selection(GROUP, CLASS) recall(GROUP, CLASS) precision(GROUP, CLASS) fpr(GROUP, CLASS)``;
* ``recall_gap(class) worst_recall(class)``, and by attribute (``ATTR``, or ``ATTR & ATTR``) ``recall_gap worst_recall
  demographic_parity_difference demographic_parity_ratio equal_opportunity_difference equal_opportunity_ratio
  equalized_odds_difference equalized_odds_ratio``.

Every one is a share or a mean or difference of shares, from 0 to 1. Text is taken as NFC.

The rule of proof ``interval``: ``>=`` is supported if the interval's lower bound reaches the threshold, refuted
if its upper bound lies below it, otherwise undecided; ``<=`` mirrored. What is not estimable is undecided.

An undecided claim says how many more images ``needed`` would decide it: if the figure stayed as it is and its interval
shrank as one over the square root of the number of images, so many more than the ``n`` that the figure rests on. None
where the figure equals the threshold (no number would), and where its bound on that side is 0 or 1: nothing is known
there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from decimal import Decimal
from fractions import Fraction

from registry.core.errors import InvalidInput
from registry.core.records import Claim, Metric, Verdict
from registry.evaluation.gaps import KINDS

PLAIN = (
    *("accuracy", "pr_auc", "map50", "map50_95"),
    *(f"{mean}_{figure}" for mean in ("macro", "micro", "weighted") for figure in ("f1", "precision", "recall")),
)
OF_ONE = ("f1", "recall", "precision")  # of a class or a group
OF_CLASS = ("ap", "ap50", "ap50_95")
OF_GROUP_AND_CLASS = ("selection", "recall", "precision", "fpr")
OF_CLASSES = ("recall_gap", "worst_recall")  # of "class"
OF_ATTRIBUTE = (
    *("recall_gap", "worst_recall"),
    *(f"{kind}_{form}" for kind in KINDS for form in ("difference", "ratio")),
)
_FUNCTIONS = "|".join(sorted({*OF_ONE, *OF_CLASS, *OF_GROUP_AND_CLASS, *OF_ATTRIBUTE}, key=len, reverse=True))
_CALL = rf"(?P<function>{_FUNCTIONS})\((?P<argument>[^()<>\x00-\x1f]{{1,800}})\)"
_METRIC = rf"{'|'.join(sorted(PLAIN, key=len, reverse=True))}|{_CALL}"
_CLAIM = re.compile(
    rf"\s*(?P<metric>{_METRIC})\s*(?P<comparator>>=|<=)\s*(?P<threshold>0(?:\.[0-9]{{1,6}})?|1(?:\.0{{1,6}})?)\s*"
)
_THRESHOLD = re.compile(r"0\.[0-9]{6}|1\.000000")


def parse_claim(text: str) -> Claim:
    """A claim from its text. ``InvalidInput`` (``bad_claim``) with an example otherwise."""
    found = _CLAIM.fullmatch(unicodedata.normalize("NFC", text))
    if found is None:
        raise InvalidInput(
            f"{text!r} is no claim: write it like 'macro_f1 >= 0.90', 'recall_gap(class) <= 0.10', 'f1(feliz) >= 0.8', "
            "'recall(gender=f) >= 0.85' or 'equalized_odds_difference(gender) <= 0.1', with a number from 0 to 1",
            code="bad_claim",
        )
    return Claim(metric=found["metric"], comparator=found["comparator"], threshold=f"{Decimal(found['threshold']):.6f}")


def is_about(metric: str, classes: Collection[str], groups: Collection[str], attributes: Collection[str]) -> bool:
    """Whether a metric of the grammar can exist: what it names is a class, a group (as above) or an attribute."""
    found = re.fullmatch(_CALL, metric)
    if found is None:
        return metric in PLAIN
    function, argument = found["function"], found["argument"]
    if function in OF_ATTRIBUTE and (argument in attributes or (function in OF_CLASSES and argument == "class")):
        return True
    if function in OF_CLASS and argument in classes:
        return True
    if function in OF_ONE and (argument in classes or argument in groups):
        return True
    return function in OF_GROUP_AND_CLASS and any(
        argument.endswith(f", {name}") and argument.removesuffix(f", {name}") in groups for name in classes
    )


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
        verdict=(verdict := _verdict(claim, metric)),
        needed=_needed(claim, metric) if metric is not None and verdict == "undecided" else None,
    )


def _verdict(claim: Claim, metric: Metric | None) -> str:
    if metric is None or metric.value is None or metric.low is None or metric.high is None:
        return "undecided"
    low, high, threshold = Decimal(metric.low), Decimal(metric.high), Decimal(claim.threshold)
    if claim.comparator == ">=":
        return "supported" if low >= threshold else "refuted" if high < threshold else "undecided"
    return "supported" if high <= threshold else "refuted" if low > threshold else "undecided"


def _needed(claim: Claim, metric: Metric) -> int | None:
    """More images after which the bound on the threshold's side would lie beyond it, or on it where that supports."""
    if metric.value is None or metric.low is None or metric.high is None:
        return None
    value, threshold = Fraction(metric.value), Fraction(claim.threshold)
    bound = Fraction(metric.low if value > threshold else metric.high)
    if value == threshold or bound == value or bound in (0, 1):
        return None
    times = ((value - bound) / (value - threshold)) ** 2
    wanted = metric.n * times
    whole = -(-wanted.numerator // wanted.denominator)
    supports = (value > threshold) == (claim.comparator == ">=")
    return max(1, whole - metric.n + (0 if supports or whole != wanted else 1))


def judge_all(claims: tuple[Claim, ...], metrics: Mapping[str, Metric]) -> tuple[Verdict, ...]:
    """Every claim's verdict, in the order of the plan."""
    return tuple(judge(claim, metrics.get(claim.metric)) for claim in claims)
