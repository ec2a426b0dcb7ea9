"""Verdicts corrected for the number of tests that they are among."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry.core import records
from registry.evaluation.correction import corrected
from tests.vectors.families.vector import Family, Vector, good

N = 200
SEEN = "supported on seen images"


def claim(metric: str, comparator: str, threshold: str, *figure: Any, verdict: str = "supported", **other: Any) -> Any:
    """A verdict of an evaluation; ``figure``: value, low and high."""
    numbers = dict(zip(("value", "low", "high"), figure, strict=True))
    parts = {"metric": metric, "comparator": comparator, "threshold": threshold, "verdict": verdict}
    return {"needed": None, "reason": None, **parts, **numbers, **other}


STRONG = claim("macro_f1", ">=", "0.800000", "0.950000", "0.910420", "0.972600")
WEAK = claim("accuracy", ">=", "0.900000", "0.950000", "0.910420", "0.972600")
JUST = claim("micro_f1", ">=", "0.910420", "0.950000", "0.910420", "0.972600")
GAP = claim("false_alarm_rate", "<=", "0.150000", "0.050000", "0.027400", "0.089580", verdict=SEEN)
OPEN = claim("pr_auc", ">=", "0.930000", "0.950000", "0.910420", "0.972600", verdict="undecided", needed=700)
FAILING = claim("map50", ">=", "0.960000", "0.950000", "0.910420", "0.972600", verdict="undecided", needed=1800)
REFUTED = claim("map50_95", ">=", "0.990000", "0.950000", "0.910420", "0.972600", verdict="refuted")
NOTHING = claim("weighted_f1", ">=", "0.900000", None, None, None, verdict="undecided", reason="too_few")
ALWAYS = claim("macro_recall", ">=", "0.000000", "0.950000", "0.910420", "0.972600")
SHARP = claim("macro_precision", ">=", "0.900000", "1.000000", "1.000000", "1.000000")
OUTSIDE = claim("micro_recall", "<=", "0.100000", "0.090000", "0.020000", "0.080000")


def correct(given: Any) -> Any:
    """The release's claims."""
    verdicts = [records.Verdict(**one) for one in given["verdicts"]]
    sizes = {one["metric"]: one["n"] for one in given["figures"]}
    return [records.to_value(one) for one in corrected(verdicts, given["correction"], given["attempts"], sizes)]


def corrections() -> Sequence[Vector]:
    def case(attempts: int, *verdicts: Any, correction: str = "holm") -> dict[str, Any]:
        names = sorted({one["metric"] for one in verdicts})
        figures = [{"metric": name, "of": [], "group": {}, "class": None, "n": N} for name in names]
        return {"verdicts": list(verdicts), "correction": correction, "attempts": attempts, "figures": figures}

    cases = {
        "one claim of one attempt is as it was": case(1, JUST),
        "one claim, just supported, of a second attempt": case(2, JUST),
        "a weak claim of three attempts": case(3, WEAK),
        "the same, not corrected": case(3, WEAK, correction="none"),
        "a strong claim of a thousand attempts": case(1000, STRONG),
        "two claims of one attempt: the weaker is last, at 95 %": case(1, JUST, STRONG),
        "several claims of several attempts": case(4, WEAK, STRONG, GAP, JUST),
        "on seen images, at most": case(50, GAP),
        "open, on its side and beyond: only the one needs more": case(5, OPEN, FAILING),
        "a refutation stays": case(500, REFUTED, NOTHING),
        "what every level supports": case(500, ALWAYS, SHARP),
        "a value outside of its interval": case(2, OUTSIDE),
        "more tests than anybody makes": case(2**40, STRONG),
    }
    return [good(correct, name, given) for name, given in cases.items()]


FAMILIES = (
    Family(
        "corrections",
        "An evaluation's verdicts, the plan's correction, how many attempts there were, and figures with their n; "
        "expected: the release's claims.",
        correct,
        corrections,
    ),
)
