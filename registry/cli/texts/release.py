"""A release for people."""

from __future__ import annotations

from typing import Any

from registry.cli.output import one_line
from registry.cli.texts.anchors import anchor_line
from registry.cli.texts.figures import base_seen_lines, figure_lines, figure_text, verdict_lines
from registry.cli.texts.names import names_lines
from registry.core.text.cleaning import counted
from registry.workflows.withdrawals.withdrawn import sentences


def release_text(done: dict[str, Any]) -> list[str]:
    """A release for people."""
    best = [
        f"{one['name']} at the best threshold, {one['threshold']}: {one['value']} (optimistic: chosen on these "
        "very images)"
        for one in done["optimistic"]
    ]
    own = (
        [] if done["own"] is None else [f"of the final weights alone: macro_f1 {figure_text(done['own']['macro_f1'])}"]
    )
    anchor = done["anchor"]
    return [
        *sentences(done["withdrawn"]),
        *(one["text"]["en"] for one in done["forks"]),
        *_rights(done["rights"]),
        *verdict_lines(done["verdict"]),
        "",
        f"release {done['release']}",
        *names_lines(done),
        f"issuer {done['issuer']} ({done['published_by']})",
        f"snapshot {done['snapshot']}",
        f"final weights: {done['final'].replace(':', ' ')}",
        *figure_lines(done),
        *best,
        *own,
        *base_seen_lines(done),
        *(note["text"]["en"] for note in done["base_notes"]),
        *map(_audit, done["audits"]),
        f"anchor: {_anchor(anchor)}",
        *(f"  {anchor_line(one)}" for one in anchor["evidence"]),
    ]


def _audit(one: dict[str, Any]) -> str:
    """An audit that somebody published."""
    levels = ", ".join(map(str, one["levels"]))
    failed = f" ({', '.join(one['failed'])})" if one["failed"] else ""
    drawn = "" if one["sample"] is None else f", samples of {one['sample']}"
    counts = f"{one['holds']} checks hold, {one['fails']} do not{failed}, {one['open']} not made"
    who = f"{one['issuer']} ({one['published_by']}) at {one['time']}"
    return one_line(f"audit by {who}: levels {levels}, {counts}{drawn}")


def marks_text(one: dict[str, Any]) -> str:
    """What stands before a release's verdict in a list, ending with a blank; "" where there is nothing."""
    marks = [("LOG FORKS. ", one["forks"]), ("RIGHTS OVERRIDDEN. ", one["override"] is not None)]
    return "".join(text for text, holds in marks if holds)


def _rights(rights: dict[str, Any]) -> list[str]:
    """That images which say no to their use are in, how many, and the stated reason."""
    if rights["override"] is None:
        return []
    counts = rights["counts"]
    many = "images" if counts is None else counted(counts["overridden"], "image")
    return [one_line(f"RIGHTS OVERRIDDEN: {many} with a no to this use: {rights['override']}")]


def _anchor(anchor: dict[str, Any]) -> str:
    """Where it stands, and on which chain if there is one."""
    said = {"journal": "in this home's own journal, which proves nothing to others", "none": "none known here"}
    status = str(anchor["status"])
    return said.get(status) or f"{status} on {anchor['chain']}"
