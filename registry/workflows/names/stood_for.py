"""What a name stood for before, said to whoever takes it for the release that it was."""

from __future__ import annotations

from registry.core.text.names import read_reference
from registry.workflows.names.resolve import named_rows
from registry.workflows.parts import Parts


def former_release(parts: Parts, text: str) -> str | None:
    """A sentence on a name that stands for something else now and stood for a release before; None of all else."""
    reference = read_reference(text)
    if reference is None or reference.number is not None:
        return None
    with parts.catalog.read() as db:
        rows = named_rows(parts, db, reference)
    before = [row["number"] for row in rows if row["type"] == "release"]
    if not before or rows[-1]["type"] == "release":
        return None
    kind = rows[-1]["type"] or "record that is not held here"
    return (
        f"{text} names a {kind} now, and its record was fetched. Before it named a release: "
        f"`emotionet fetch {text}@{before[-1]}` fetches that one's weights"
    )
