"""The rules by which several people's labels of one image become one, each a pure function.

A rule says which of an image's rows **vote**; then the class with the most votes wins, as ``counted`` says.

================  ==================================================================================================
``majority-v1``   every row votes
``newest-v1``     of each issuer only the rows of their latest contribution that labels the image: of ten rows by one
                  issuer the last one decides; several issuers' logs have no common order, so they vote
``unanimous-v1``  every row votes, and all must mean the same class: a label of no class is another opinion
``trusted-v1``    the rows of the labellers whom the snapshot names; without any the image is ``not_trusted``
================  ==================================================================================================

Invariants: nothing depends on the order of rows; which rows vote decides all that an item says, but for its rights:
what anybody says of an image's use counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from registry.core.errors import InvalidInput
from registry.core.snapshots.classes import NOTHING, Classes

MAJORITY, NEWEST, UNANIMOUS, TRUSTED = "majority-v1", "newest-v1", "unanimous-v1", "trusted-v1"
RULES = (MAJORITY, NEWEST, UNANIMOUS, TRUSTED)
NOT_TRUSTED, UNKNOWN, DISAGREEMENT = "not_trusted", "unknown_label", "disagreement"
Row = Mapping[str, Any]
Trusted = Collection[tuple[str, str]]  # (issuer, contributor)


class Outcome(NamedTuple):
    """``winner``: the class, ``BACKGROUND``, or None with the reason and its detail; ``voters``: whose rows decided."""

    winner: int | None
    reason: str
    detail: str
    voters: Sequence[Row]


def named(rule: str) -> str:
    """A rule by its name, or by the part of it before its version. ``InvalidInput`` (``unknown_rule``)."""
    found = next((one for one in RULES if rule in (one, one.rpartition("-v")[0])), None)
    if found is None:
        known = ", ".join(one.rpartition("-v")[0] for one in RULES)
        raise InvalidInput(f"the rule {rule[:80]!r} is not known here", code="unknown_rule", hint=f"use {known}.")
    return found


def check_rule(rule: str, trusted: Trusted) -> None:
    """``InvalidInput``: an unknown rule, or labellers who are trusted without the rule that asks for them."""
    if rule not in RULES:
        raise InvalidInput(
            f"the rule {rule[:80]!r} is not known here", code="unknown_rule", hint=f"use {', '.join(RULES)}."
        )
    if (rule == TRUSTED) != bool(trusted):
        raise InvalidInput(
            "the rule trusted names labellers, and no other rule does",
            code="bad_trusted",
            hint="name whom you trust, or take another rule.",
        )


def judge(group: Sequence[Row], classes: Classes, rule: str, trusted: Trusted = ()) -> Outcome:
    """One image's class by a rule that ``check_rule`` let pass; ``group``: its rows, each with its ``place`` in its
    issuer's log."""
    voters = _voters(group, rule, trusted)
    if not voters:
        return Outcome(None, NOT_TRUSTED, "", voters)
    index, reason, detail = counted(voters, classes, unanimous=rule == UNANIMOUS)
    return Outcome(index, reason, detail, voters)


def _voters(group: Sequence[Row], rule: str, trusted: Trusted) -> Sequence[Row]:
    if rule == TRUSTED:
        return [row for row in group if (row["issuer"], row["contributor"]) in trusted]
    if rule == NEWEST:
        last: dict[str, Any] = {}
        for row in group:
            last[row["issuer"]] = max(row["place"], last.get(row["issuer"], row["place"]))
        return [row for row in group if row["place"] == last[row["issuer"]]]
    return group


def counted(voters: Sequence[Row], classes: Classes, *, unanimous: bool = False) -> tuple[int | None, str, str]:
    """The class that most voters' labels mean, or None with the reason and its detail. Labels that mean no class don't
    vote unless all must agree; where no label means a class the image has an unknown label."""
    if len(voters) == 1:  # nearly always
        only = classes.index_of(voters[0]["label"])
        return (None, UNKNOWN, voters[0]["label"]) if only is None else (only, "", "")
    meant = [classes.index_of(row["label"]) for row in voters]
    votes = Counter(index for index in meant if index is not None)
    if not votes:
        return None, UNKNOWN, ", ".join(sorted({row["label"] for row in voters}))
    most = max(votes.values())
    winners = [index for index, count in votes.items() if count == most]
    strangers = len(voters) - sum(votes.values()) if unanimous else 0
    if len(winners) > 1 or (unanimous and len(votes) > 1) or strangers:
        said = [f"{classes.name_of(index) or NOTHING} {votes[index]}" for index in sorted(votes)]
        return None, DISAGREEMENT, ", ".join([*said, *([f"no class {strangers}"] if strangers else [])])
    return winners[0], "", ""
