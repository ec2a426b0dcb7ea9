"""An audit for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.cli.output import one_line, table
from registry.cli.texts.figures import verdict_lines
from registry.core.remedies import withdrawn_text


def audit_text(document: Mapping[str, Any]) -> list[str]:
    """The target, every check as a row, the verdict last."""
    rows = [[check["id"], check["result"], check["title"], check["reason"] or ""] for check in document["checks"]]
    back = [one_line(f"WITHDRAWN {withdrawn_text(one)}") for one in document["withdrawn"]]
    what = [
        f"type {document['type'] or 'unknown'}",
        f"issuer {document['issuer'] or 'unknown: no signature of it is held here'}",
    ]
    forks = [one_line(one["text"]["en"]) for one in document["forks"]]
    head = [*what, f"target {document['target']}", *back, ""]
    said = verdict_lines(document["verdict"])
    if "published" in document:
        said = [*said, "", f"published as {document['published']['audit']}: `emotionet release show` lists it"]
    return [*head, table(["check", "result", "what", "why"], rows), "", *forks, *said]
