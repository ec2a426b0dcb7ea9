"""Claims on figures: their grammar, and the verdict that the evaluation gives on each.

A claim's text is that of ``core.text.claim_text``. Its METRIC is a figure's name (``figure_names``; a name with signs
in it is quoted: ``f1("feliz (muy)")``), one of

* ``macro_f1 micro_f1 weighted_f1``, the same of ``precision`` and ``recall``, ``accuracy pr_auc map50 map50_95
  false_alarm_rate``;
* ``ap(CLASS) ap50(CLASS) ap50_95(CLASS)``;
* ``f1(X) recall(X) precision(X)``, X a class or a GROUP: ``ATTR=VALUE``, or ``ATTR=VALUE & ATTR=VALUE``;
* ``selection(GROUP, CLASS) recall(GROUP, CLASS) precision(GROUP, CLASS) fpr(GROUP, CLASS)``;
* ``recall_gap(class) worst_recall(class)``, and by attribute (``ATTR``, or ``ATTR & ATTR``) ``recall_gap worst_recall
  demographic_parity_difference demographic_parity_ratio equal_opportunity_difference equal_opportunity_ratio
  equalized_odds_difference equalized_odds_ratio``.

Every one is a share or a mean or difference of shares, from 0 to 1. Text is taken as NFC; a claim holds the one name of
its figure, however it was written.

The rule of proof ``interval``: ``>=`` is supported if the interval's lower bound reaches the threshold, refuted
if its upper bound lies below it, otherwise undecided; ``<=`` mirrored. What is not estimable is undecided.

An undecided claim says how many more images ``needed`` would decide it: if the figure stayed as it is and its interval
shrank as one over the square root of the number of images, so many more than the ``n`` that the figure rests on. None
where the figure equals the threshold (no number would), and where its bound on that side is 0 or 1: nothing is known
there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

from registry.core.errors import InvalidInput
from registry.core.records import Claim, Metric, Verdict
from registry.core.text import figure_names
from registry.core.text.claim_text import EXAMPLE, claim_parts, claim_text, split_claim
from registry.core.text.figure_names import (
    CLASSES,
    GAPS,
    MAX_NAME,
    FigureName,
    Group,
    group_name,
    name_of,
    quoted,
    word,
)

PLAIN = (
    *("accuracy", "pr_auc", "map50", "map50_95", "false_alarm_rate"),
    *(f"{mean}_{figure}" for mean in ("macro", "micro", "weighted") for figure in ("f1", "precision", "recall")),
)
OF_ONE = ("f1", "recall", "precision")  # of a class or a group
OF_CLASS = ("ap", "ap50", "ap50_95")
OF_GROUP_AND_CLASS = ("selection", "recall", "precision", "fpr")
OF_CLASSES = ("recall_gap", "worst_recall")  # of "class"
MAX_SHOWN = 20  # classes, or groups, that an error lists


def parse_claim(text: str, classes: Collection[str] = ()) -> Claim:
    """A claim from its text. ``InvalidInput`` (``bad_claim``) with the way out otherwise.

    Where ``classes`` are given: also for a text whose brackets hold a class's whole name and mean something else.
    """
    given = unicodedata.normalize("NFC", text) if len(text) <= MAX_NAME else ""
    found = split_claim(given)
    if found is None:
        raise InvalidInput(
            f"{text[:200]!r} is not a claim",
            code="bad_claim",
            hint=f"write it like '{EXAMPLE}', 'recall_gap(class) <= 0.10', 'f1(feliz) >= 0.8', "
            "'recall(gender=f) >= 0.85' or 'equalized_odds_difference(gender) <= 0.1', with a number from 0 to 1.",
        )
    parts = _parts(found.metric, classes)
    return Claim(metric=name_of(parts), comparator=found.comparator, threshold=found.threshold)


def _parts(metric: str, classes: Collection[str]) -> FigureName:
    """Of what a claim is, by the name that was written."""
    function, _, rest = metric.partition("(")
    inner = rest.removesuffix(")").strip()
    own = name_of(FigureName(function.strip(), label=inner))
    try:
        parts = figure_names.parse(metric)
    except InvalidInput as error:
        hint = f"write {own} of this class." if inner in classes else error.hint
        raise InvalidInput(f"{metric[:200]!r} is not a name of a figure", code="bad_claim", hint=hint) from error
    if not _claimable(parts):
        raise InvalidInput(
            f"there is no figure {metric[:200]!r} that a claim could be about",
            code="bad_claim",
            hint="see docs/metrics.md and docs/fairness.md for what can be claimed.",
        )
    if inner in classes and parts.group:
        group = " & ".join(f"{quoted(name)}={quoted(value)}" for name, value in parts.group)
        raise InvalidInput(
            f"{metric[:200]!r} could mean the class {inner!r} or a group",
            code="bad_claim",
            hint=f"write {own} of the class, {function.strip()}({group}) of the group.",
        )
    return parts


def _claimable(parts: FigureName) -> bool:
    """Whether a figure of these parts can have an interval."""
    metric, of, group, label = parts
    if of:
        known = OF_CLASSES if of == (CLASSES,) else GAPS if CLASSES not in of else ()
        return metric in known and len(set(of)) == len(of) <= 2
    if group:
        return len(group) <= 2 and metric in (OF_ONE if label is None else OF_GROUP_AND_CLASS)
    return metric in (PLAIN if label is None else (*OF_ONE, *OF_CLASS))


def check_about(claims: Iterable[Claim], classes: Collection[str], attributes: Iterable[Mapping[str, str]]) -> None:
    """``InvalidInput`` (``bad_claim``) for a claim about a class, a group or an attribute that no image has.

    ``attributes``: of each image.
    """
    wanted = [(claim, figure_names.parse(claim.metric)) for claim in claims]
    groups: set[Group] = set()
    for declared in attributes if wanted else ():
        pairs = sorted(declared.items())
        groups |= {(pair,) for pair in pairs} | set(combinations(pairs, 2))
    compared = {tuple(name for name, _ in group) for group in groups} | {(CLASSES,)}
    for claim, parts in wanted:
        known = parts.label is None or parts.label in classes
        if not known or (parts.group and parts.group not in groups) or (parts.of and parts.of not in compared):
            raise InvalidInput(
                f"the claim on {claim.metric} names no class, group or attribute of this snapshot",
                code="bad_claim",
                hint=_there(classes, groups),
            )


def _there(classes: Collection[str], groups: Collection[Group]) -> str:
    """What a claim could be about."""
    listed = [group_name(dict(group)) for group in sorted(groups, key=lambda one: (len(one), one))]
    more = f" and {len(listed) - MAX_SHOWN} more" if len(listed) > MAX_SHOWN else ""
    said = f", the groups {', '.join(listed[:MAX_SHOWN])}{more}" if listed else ", and no attributes were declared"
    return f"claim something of what is there: the classes are {', '.join(map(word, list(classes)[:MAX_SHOWN]))}{said}."


def judge(claim: Claim, metric: Metric | None) -> Verdict:
    """The verdict on a claim from the metric that it names (None: there is none by this name).

    ``InvalidInput`` (``bad_claim``) for a claim that ``parse_claim`` would not have made.
    """
    if not _stated(claim):
        raise InvalidInput(
            f"the claim {claim_text(claim)} ({claim.proof}) has no meaning here: a plan's claims come from parse_claim",
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
        reason=metric.reason if metric else "not_compared",
    )


def _stated(claim: Claim) -> bool:
    """Whether a claim is as ``parse_claim`` writes it."""
    if claim.proof != "interval" or split_claim(claim_text(claim, str)) != claim_parts(claim):
        return False
    try:
        parts = figure_names.parse(claim.metric)
    except InvalidInput:
        return False
    return _claimable(parts) and name_of(parts) == claim.metric


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
