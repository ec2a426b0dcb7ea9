"""Anchors for people."""

from __future__ import annotations

from typing import Any

from registry.cli.output import one_line

STATES = {
    "none": "not there",
    "journal": "written down",
    "pending": "pending",
    "stamped": "stamped",
    "attested": "in Bitcoin, as the calendar says; the block's header is not at hand here",
    "unverified": "stated by its issuer, not verified here",
}


def anchor_line(one: dict[str, Any]) -> str:
    """One place or one piece of evidence: where, how it stands, by whom, when, and on whose word."""
    where = one["chain"] or one.get("kind") or "unknown"
    by, problem = one.get("by"), one.get("problem")
    said = [STATES.get(one["status"], one["status"])]
    said += [f"by {by}"] if by and by != where else []
    said += [f"at {one['time']}"] if one["time"] else []
    said += [f"({problem})"] if problem else []
    return one_line(f"{where}: {' '.join(said)}. {one['text']}")
