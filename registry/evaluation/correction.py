"""Verdicts of a release, corrected for how many tests they are among: its issuer's attempts, times the plan's claims.

A plan's ``correction`` locks the rule before the folds are drawn. ``holm`` is Holm's step-down rule over all claims of
all attempts (``provenance.attempts``) up to the release. With the chance ALPHA that one wrong claim is supported (one
side of 95 %), M tests and the release's own supported claims in order of their strength, claim number r (from 0) must
be supported at ALPHA / (M - r); the first that is not, and all after it, are undecided. Of the other attempts no p is
at hand, so none is taken as rejected: Holm rejects no less whatever they are. For one claim that is Bonferroni's
ALPHA / count.

Strength is a score. A figure's interval is Wilson's for an effective size, so its bound b at 95 % and value v give that
size; the threshold t is supported at another level where (v - t)^2 / (t (1 - t)) over the same of b reaches
(z / 1.96)^2, z the level's. That is exact for Wilson's intervals, up to the six places of b, and an approximation for
gaps, ratios and the worst of several. All of it is done in fractions of what the record states.

Invariants: pure; a correction only ever takes back ``supported``. What is refuted stays refuted: nobody gets rid of
a refutation by signing more plans. Sources: Holm 1979; Wilson 1927; docs/claims.md says what it guarantees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from msgspec import structs

from registry.core.records import Evaluation, Plan, Verdict
from registry.evaluation.base_seen import ON_SEEN
from registry.evaluation.intervals.intervals import Z, quantile
from registry.evaluation.result import Result

HOLM = "holm"
ALPHA = Fraction(1, 40)  # one side of 95 %
SUPPORTED = ("supported", ON_SEEN)
MAX_TESTS = 10**9  # what a stranger's record may state, and ``quantile`` answers


def number_of_tests(attempts: int, claims: int) -> int:
    """How many tests a release's claims are among: 1 at least."""
    return min(max(1, attempts) * max(1, claims), MAX_TESTS)


def release_claims(plan: Plan, found: Evaluation | Result, attempts: int) -> tuple[Verdict, ...]:
    """What a release states of its plan's claims, from the evaluation's verdicts, which are of one attempt alone."""
    sizes = {one.name: one.n for one in (*found.fairness, *found.metrics)}
    return corrected(found.verdicts, plan.correction, attempts, sizes)


def corrected(
    verdicts: Sequence[Verdict], correction: str, attempts: int, sizes: Mapping[str, int]
) -> tuple[Verdict, ...]:
    """An evaluation's verdicts as its release states them, after ``attempts`` attempts. ``sizes``: each figure's n."""
    if correction != HOLM:
        return tuple(verdicts)
    tests = number_of_tests(attempts, len(verdicts))
    if tests == 1:
        return tuple(verdicts)
    order = sorted(
        (at for at, one in enumerate(verdicts) if one.verdict in SUPPORTED),
        key=lambda at: (_rank(verdicts[at]), at),
    )
    kept = 0
    while kept < len(order) and _holds(verdicts[order[kept]], tests - kept):
        kept += 1
    lost = set(order[kept:])
    times = _times(max(1, tests - kept))
    return tuple(
        _undecided(one, times, sizes)
        if at in lost
        else structs.replace(one, needed=_needed(one, times, sizes))
        if one.needed is not None and _on_its_side(one)
        else one
        for at, one in enumerate(verdicts)
    )


def _undecided(one: Verdict, times: Fraction, sizes: Mapping[str, int]) -> Verdict:
    return structs.replace(one, verdict="undecided", needed=_needed(one, times, sizes))


def _needed(one: Verdict, times: Fraction, sizes: Mapping[str, int]) -> int | None:
    """More images after which the claim would be supported at this level, if its figure stayed as it is."""
    strength, n = _strength(one), sizes.get(one.metric, 0)
    if not strength:
        return None
    return max(1, -(-n * times // strength) - n)


def _holds(one: Verdict, tests: int) -> bool:
    """Whether a claim that is supported at 95 % is at ALPHA / tests."""
    strength = _strength(one)
    return strength is None or strength >= _times(tests)


def _times(tests: int) -> Fraction:
    """How much more strength, as a square, is asked for than at 95 %."""
    return (Fraction(quantile(ALPHA / tests)) / Fraction(Z)) ** 2


def _rank(one: Verdict) -> Fraction:
    """The stronger, the smaller; what holds at every level comes first."""
    strength = _strength(one)
    return Fraction(-1) if strength is None else 1 / strength if strength else Fraction(MAX_TESTS)


def _on_its_side(one: Verdict) -> bool:
    """Whether a figure lies where it would support its claim."""
    if one.value is None:
        return False
    value, threshold = Fraction(one.value), Fraction(one.threshold)
    return value > threshold if one.comparator == ">=" else value < threshold


def _strength(one: Verdict) -> Fraction | None:
    """1 where the interval at 95 % just supports the claim, as the square of a score; 0 where there is none; None where
    every level supports it: nothing lies beyond the threshold, or the interval has no width on that side."""
    supported = one.verdict in SUPPORTED
    bound_text = one.low if one.comparator == ">=" else one.high
    if one.value is None or bound_text is None:
        return Fraction(0)
    value, bound, threshold = Fraction(one.value), Fraction(bound_text), Fraction(one.threshold)
    if supported and (threshold in (0, 1) or value == bound):
        return None
    least = Fraction(1 if supported else 0)
    if not _on_its_side(one) or (value < bound) == (one.comparator == ">=") or bound in (0, 1) or value == bound:
        return least
    found = (value - threshold) ** 2 * bound * (1 - bound) / (threshold * (1 - threshold) * (value - bound) ** 2)
    return max(least, found)
