"""Figures with their intervals and claims with their verdicts, as lines for people: the same after training and of a
release."""

from __future__ import annotations

from typing import Any

import msgspec

from registry.cli.output import one_line, table
from registry.core.text.claim_text import claim_text
from registry.core.text.cleaning import counted
from registry.evaluation.facts import ClaimFacts
from registry.evaluation.sentences import not_estimable
from registry.evaluation.verdict import claim_part

SHOWN = ("macro_f1", "accuracy", "pr_auc", "map50", "recall_gap(class)")


def figure_lines(done: dict[str, Any]) -> list[str]:
    """A table of the ``metrics`` that most people ask for first."""
    found = done["metrics"]
    rows = [
        [
            name,
            found[name]["value"] or not_estimable(found[name].get("reason")),
            found[name]["low"] or "–",
            found[name]["high"] or "–",
        ]
        for name in SHOWN
        if name in found
    ]
    return [table(["metric", "value", "low", "high"], rows)]


def base_seen_lines(done: dict[str, Any]) -> list[str]:
    """What base weights have seen, and have not, where they have seen anything."""
    return [
        f"of images that the base weights have {name}: macro_f1 {figure_text(done[part]['macro_f1'])}"
        for part, name in (("unseen", "not seen"), ("seen", "seen"))
        if "macro_f1" in done[part]
    ]


def claim_lines(done: dict[str, Any]) -> list[str]:
    """The plan's claims and what became of them, as the verdict says it, and what would decide an open one."""
    found = done["metrics"]
    facts = [{**claim, "n": found.get(claim["metric"], {}).get("n")} for claim in done["claims"]]
    said = [one_line(claim_part(msgspec.convert(one, ClaimFacts)).text("en")) for one in facts]
    return [" ".join([text, *_needed(one)]) for text, one in zip(said, facts, strict=True)]


def _needed(claim: dict[str, Any]) -> list[str]:
    more = claim["needed"]
    return [f"{counted(more, 'more image')} would decide it if the figure stayed as it is."] if more else []


def verdict_lines(verdict: dict[str, Any]) -> list[str]:
    """The verdict's sentences, one a line. A terminal's own blanks are all alike."""
    return [one_line(str(one["en"])) for one in verdict["parts"]]


def later_line(claim: dict[str, Any]) -> str:
    """A claim after the fact with its verdict and its figure."""
    figure = "" if claim["value"] is None else f", {figure_text(claim)}"
    return f"after the fact: {claim_text(claim)}: {verdict_text(claim)}{figure}"


def figure_text(found: dict[str, Any]) -> str:
    """A value and its interval."""
    if found["value"] is None:
        return not_estimable(found.get("reason"))
    ends = [found[end] or "–" for end in ("low", "high")]  # of a ratio or gap one alone may be known
    return f"{found['value']} [{', '.join(ends)}]" if ends != ["–", "–"] else str(found["value"])


def verdict_text(claim: dict[str, Any]) -> str:
    """A verdict, and how many more images would decide an open one, or why nothing does."""
    more = claim["needed"]
    if claim.get("reason"):
        return f"{claim['verdict']} ({not_estimable(claim['reason'])})"
    return str(claim["verdict"]) + (
        f" ({counted(more, 'more image')} would decide it if the figure stayed as it is)" if more else ""
    )
