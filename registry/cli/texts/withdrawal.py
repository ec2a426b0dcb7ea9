"""What a withdrawal touches, and what was done, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from registry.core.text.cleaning import counted

REMEDIES = {
    "notice": "known as withdrawn",
    "remove_bytes": "the bytes go",
    "retrain": "to be trained again without it",
    "stop": "stopped",
}


def withdrawal_text(done: Mapping[str, Any]) -> list[str]:
    """A line for each thing."""
    begins = "withdrawn" if done["withdrawal"] else "would be withdrawn"
    touched = list(_touched(done))
    if not touched and done["what"] != "release":  # nothing is made from a release
        touched = ["affects no snapshot and no release"]
    if done["already"]:
        begins = f"was withdrawn already, at {done['already']}; no second entry"
    return [f"{begins}: {done['target']} ({done['remedy']})", *touched, *_done(done)]


def _touched(done: Mapping[str, Any]) -> Iterator[str]:
    for one in done["affected"]:
        yield f"affects {one['type']} {one['cid']}: {REMEDIES[one['remedy']]}"
    for one in done["runs"]:
        yield f"affects run {one['run']} ({one['status']}): {REMEDIES[one['remedy']]}"
    for one in done["exported"]:
        yield f"left this registry as {one['form']} at {one['time']}: {one['cid']}; tell whoever has it"


def _done(done: Mapping[str, Any]) -> Iterator[str]:
    removed = done["removed"]
    if removed and removed["images"]:
        blocks = counted(removed["blocks"], "block")
        yield f"removed: the bytes of {counted(removed['images'], 'image')}, {blocks}; their addresses answer 410"
    for one in removed["files"] if removed else ():
        yield f"removed: the home's {one}, which held or showed it; it can be made again without it"
    for one in done["retrained"]:
        if one["problem"]:
            yield f"not trained again on what is left of {one['supersedes']}: {one['problem']}"
        else:
            yield f"queued: run {one['run']} on {one['snapshot']}, which takes the place of {one['supersedes']}"
