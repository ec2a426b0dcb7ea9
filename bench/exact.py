"""`python -m bench exact`: how often the interval of one recall holds the truth, computed, not simulated.

Of n independent images any number k may be called right; the sum of their binomial probabilities, over those k whose
interval holds the true rate, is the coverage. Also the rates and sizes at which nobody's interval could hold it 93 to
97 % of the time: no run of counts has such a probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from math import comb

from registry.evaluation.intervals.intervals import share_interval

SIZES = (10, 15, 20, 30, 40, 60, 100, 250)
RATES = (0.8, 0.85, 0.9, 0.95, 0.97)
LOW, HIGH = 0.93, 0.97


def chances(n: int, rate: float) -> list[float]:
    """Of each count of right ones among ``n``."""
    return [comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(n + 1)]


def intervals(n: int) -> list[tuple[float, float]]:
    """Of each count, as published."""
    found = [share_interval(Fraction(k, n), Fraction(n)) for k in range(n + 1)]
    return [(float(low), float(high)) for low, high in found]


def sides(bounds: Sequence[tuple[float, float]], rate: float) -> tuple[float, float]:
    """How often the interval lies above the rate, and below it."""
    likely = list(zip(bounds, chances(len(bounds) - 1, rate), strict=True))
    return sum(p for (low, _), p in likely if low > rate), sum(p for (_, high), p in likely if high < rate)


def possible(n: int, rate: float) -> bool:
    """Whether some run of counts has a probability of 93 to 97 %."""
    ends = [0.0, *accumulate(chances(n, rate))]
    return any(LOW <= end - start <= HIGH for at, start in enumerate(ends) for end in ends[at:])


def main(_: Sequence[str] = ()) -> None:
    """Two tables."""
    print(f"images  {'   '.join(f'{rate:.2f}' for rate in RATES)}    least  mean   most   above  below (most)")
    for n in SIZES:
        bounds = intervals(n)
        rates = [step / 1000 for step in range(500, 1001 - 3000 // n)]
        missed = [sides(bounds, rate) for rate in rates]
        held = [100 * (1 - above - below) for above, below in missed]
        at = "  ".join(f"{100 * (1 - sum(sides(bounds, rate))):5.1f}" for rate in RATES)
        most = "  ".join(f"{100 * max(part):5.1f}" for part in zip(*missed, strict=True))
        print(f"{n:6}  {at}    {min(held):5.1f}  {sum(held) / len(held):5.1f}  {max(held):5.1f}  {most}")
    print("rates from 0.5 to 1 - 3/n\n")
    for rate in RATES:
        none = [n for n in range(5, 150) if not possible(n, rate)]
        print(f"rate {rate:.2f}: no interval of any kind holds it {LOW:.0%} to {HIGH:.0%} with n of {_runs(none)}")


def _runs(numbers: Sequence[int]) -> str:
    """3 4 5 9 as "3-5, 9"."""
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True)) or "none"


if __name__ == "__main__":
    main()
