"""A comparison of two releases for people."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from registry.cli.output import table
from registry.core.text.cleaning import counted


def comparison_text(done: dict[str, Any], verdicts: Sequence[str]) -> list[str]:
    """Both verdicts, images, differences, tests, and what the plans do not share."""
    left = f"{done['only_a']} only in A, {done['only_b']} only in B, {done['relabeled']} with another label"
    names = ("name", "a", "b", "difference", "low", "high")
    differences = [[str(one[name] or "not estimable") for name in names] for one in done["differences"]]
    columns = ("name", "n", "only_a", "only_b")
    tests = [[*(str(one[name]) for name in columns), _p(one["p"]), _p(one["corrected"])] for one in done["tests"]]
    changed = [[one["what"], *(one[side] or "-" for side in "ab")] for one in done["changed"]]
    groups = counted(done["groups"], "group")
    return [
        *(f"{side}: {said}" for side, said in zip("AB", verdicts, strict=True)),
        "",
        f"{counted(done['images'], 'image')} in {groups} of persons and near-duplicates, judged by both ({left})",
        "",
        table(["figure", "A", "B", "B - A", "95 % low", "high"], differences),
        "",
        table(["correct", "images", "only by A", "only by B", "McNemar p", "p after Holm"], tests),
        "",
        *([table(["changed", "A", "B"], changed)] if changed else ["the plans are the same"]),
    ]


def _p(value: str | None) -> str:
    """A p value at three places; what would round to nothing is below that, as pages say it."""
    if value is None:
        return ""
    return "< 0.001" if Decimal(value) < Decimal("0.001") else f"{Decimal(value):.3f}"
