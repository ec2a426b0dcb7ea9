"""A comparison of two releases for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry.cli.output import table


def comparison_text(done: dict[str, Any], verdicts: Sequence[str]) -> list[str]:
    """Both verdicts, images, differences, tests, and what the plans do not share."""
    left = f"{done['only_a']} only in A, {done['only_b']} only in B, {done['relabeled']} with another label"
    names = ("name", "a", "b", "difference", "low", "high")
    differences = [[str(one[name] or "not estimable") for name in names] for one in done["differences"]]
    columns = ("name", "n", "only_a", "only_b", "p", "corrected")
    tests = [["" if one[name] is None else str(one[name]) for name in columns] for one in done["tests"]]
    changed = [[one["what"], str(one["a"]), str(one["b"])] for one in done["changed"]]
    return [
        *(f"{side}: {said}" for side, said in zip("AB", verdicts, strict=True)),
        "",
        f"{done['images']} images in {done['groups']} groups of persons and near-duplicates, judged by both ({left})",
        "",
        table(["figure", "A", "B", "B - A", "95 % low", "high"], differences),
        "",
        table(["correct", "images", "only by A", "only by B", "McNemar p", "p after Holm"], tests),
        "",
        *([table(["changed", "A", "B"], changed)] if changed else ["the plans are the same"]),
    ]
