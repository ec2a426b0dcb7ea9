# ruff: noqa: E501  lines of the page
"""What F1 0.90 and PR-AUC 0.966 on 159 images can and cannot show: prints docs/paper-claim.md, every number computed.

python -m bench.paper_claim > docs/paper-claim.md
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from fractions import Fraction
from math import comb

from registry.core.records import Metric
from registry.evaluation.claims import parse_claim
from registry.evaluation.decimals import six
from registry.evaluation.evaluate import evaluate
from registry.evaluation.figures.thresholds import ThresholdRule
from registry.evaluation.intervals.intervals import share_interval, wilson
from registry.evaluation.result import Result

CLASSES = ("triste", "sorprendido", "feliz", "enojado")
SIZES, WRONG = (40, 40, 40, 39), (4, 4, 4, 4)
IMAGES, FOLD = 159, 32
CLAIMED = Fraction(9, 10)
PR_AUC = Fraction(966, 1000)
BOX = [100, 100, 1000, 1000]


def judged() -> Result:
    """159 images, 143 called right, the errors spread evenly over the classes; each image a person of its own."""
    rows = []
    for label, (size, wrong) in enumerate(zip(SIZES, WRONG, strict=True)):
        for number in range(size):
            called = (label + 1 + number % 3) % 4 if number < wrong else label
            digest = hashlib.sha256(f"{label} {number}".encode()).digest()
            shown = [[called, 900_000, *BOX]]
            rows.append({"sha256": digest, "fold": number % 5, "truth": label, "boxes": [BOX], "detections": shown})
    return evaluate(
        sorted(rows, key=lambda row: (row["sha256"], row["fold"])),
        classes=CLASSES,
        threshold=ThresholdRule("fixed", 250_000, 10_000, 5),
        final="refit",
        histories=(),
        claims=(parse_claim("macro_f1 >= 0.90"), parse_claim("recall_gap(class) <= 0.10")),
        groups=(),
        clusters={},
        attributes={},
        rounds=2000,
        min_group=10,
        seed=2023,
    )


def gap_by_chance(size: int) -> tuple[Fraction, Fraction]:
    """Four classes of ``size`` images, each image right with 9 in 10: the mean of the largest recall less the smallest,
    and the smallest gap that is exceeded at most once in 20 times. Exact: the range of four binomials."""
    part = [comb(size, k) * CLAIMED**k * (1 - CLAIMED) ** (size - k) for k in range(size + 1)]
    below = [Fraction(0)]
    for one in part:
        below.append(below[-1] + one)

    def within(gap: int) -> Fraction:
        found = Fraction(0)
        for low in range(size + 1):
            high = min(size, low + gap)
            found += (below[high + 1] - below[low]) ** 4 - (below[high + 1] - below[low + 1]) ** 4
        return found

    reached = [within(gap) for gap in range(size + 1)]
    mean = sum((1 - one for one in reached), Fraction(0)) / size
    return mean, Fraction(next(gap for gap, one in enumerate(reached) if one >= Fraction(19, 20)), size)


def needed(seen: Fraction) -> int:
    """The fewest independent images at which the lower bound of a share seen as ``seen`` reaches 0.90."""
    low, high = 1, 1 << 20
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if share_interval(seen, Fraction(middle))[0] >= "0.900000" else (middle + 1, high)
    return low


def fewest_right(total: int) -> int:
    """How many of ``total`` must be right for the lower bound to reach 0.90."""
    return next(right for right in range(total + 1) if (wilson(right, total) or ("", ""))[0] >= "0.900000")


def _between(bounds: tuple[str, str] | None) -> str:
    low, high = bounds or ("", "")
    return f"{low[:5]} to {high[:5]}"


def _metric(found: Metric) -> str:
    return f"{found.value} ({found.low} to {found.high})"


def page() -> Iterator[str]:
    """The lines of docs/paper-claim.md."""
    found = judged()
    named = {one.name: one for one in found.metrics}
    few, many = gap_by_chance(FOLD // 4), gap_by_chance(40)
    right = fewest_right(IMAGES)
    yield "# The paper's own claim, as a worked example\n"
    yield "The paper says: four emotions, 159 photographs, F1 0.90, PR-AUC 0.966, detected fairly. It published no"
    yield "predictions, so nobody can compute its intervals; what such numbers *can* say on so few images can be"
    yield "computed. Every number here is printed by `python -m bench.paper_claim`, and a test compares this page with it."
    yield "Bounds are cut to three places, not rounded.\n"
    yield "## What the two numbers imply\n"
    yield "| seen | images | 95 % interval |"
    yield "|---|---|---|"
    yield f"| 143 of 159 right (0.899) | 159, all folds pooled | {_between(wilson(143, IMAGES))} |"
    yield f"| 29 of 32 right (0.906) | 32, a single fold of five | {_between(wilson(29, FOLD))} |"
    yield f"| PR-AUC 0.966 | 159 | {_between(share_interval(PR_AUC, Fraction(IMAGES)))} |"
    yield f"| PR-AUC 0.966 | 32 | {_between(share_interval(PR_AUC, Fraction(FOLD)))} |"
    yield "\nThe first two are Wilson's. An average precision is no share of images; the last two take it for one, which is"
    yield "the form that this project uses (docs/metrics.md) with the worth that only predictions could tell. They are a"
    yield "scale to read the number by, not the paper's interval. Persons that appear in several photographs make all of"
    yield "these wider.\n"
    yield "Such an evaluation made up here, 159 images of as many persons with 143 right and the errors spread evenly"
    yield f"over classes of {', '.join(map(str, SIZES))}, judged by this project's own code with 2,000 bootstrap rounds:\n"
    yield f"- macro F1 {_metric(named['macro_f1'])}"
    yield f"- recall gap between classes {_metric(named['recall_gap(class)'])}"
    for verdict in found.verdicts:
        more = "" if verdict.needed is None else f"; about {verdict.needed} more images would decide it"
        yield f"- `{verdict.metric} {verdict.comparator} {verdict.threshold}`: {verdict.verdict}{more}"
    yield "\n## Fair by chance, unfair by chance\n"
    yield "Let all four classes be recalled equally well, 9 times in 10. The gap between the best and the worst class is"
    yield f"then still {six(many[0])} on average with 40 images a class, and above {six(many[1])} at most once in 20"
    yield f"evaluations; with 8 a class (one fold) {six(few[0])} on average, and above {six(few[1])} at most once in 20."
    yield "So a gap of 0.10 between classes on 159 images speaks neither for nor against equal treatment. And classes are"
    yield "not people: nothing on gender, age or skin tone follows from any of these numbers.\n"
    yield "## What would support `macro_f1 >= 0.90`\n"
    yield f"On 159 images {right} right ({six(Fraction(right, IMAGES))}), if F1 behaves like a share. If the model is as"
    yield "good as is seen:\n"
    yield "| seen | images needed |"
    yield "|---|---|"
    for seen in (Fraction(91, 100), Fraction(92, 100), Fraction(93, 100), Fraction(95, 100)):
        yield f"| {six(seen)} | {needed(seen):,} |"
    yield "\nWhere exactly 0.90 is seen, no number of images supports it: part of the interval always lies below.\n"
    yield "## Which PR-AUC\n"
    yield "Most likely the `mAP@0.5` of boxes that ultralytics prints into `PR_curve.png` (here `map50`), not the average"
    yield "precision of images (`pr_auc`); its F1 is then that of boxes at the threshold that is best on the same images."
    yield "That is inferred from what the package prints: docs/metrics.md says how. The code that made the paper's numbers"
    yield "is not known here."


if __name__ == "__main__":
    print("\n".join(page()))
