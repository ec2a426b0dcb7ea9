"""The card's sections on people's word: what images say of their use, and where attributes come from."""

from __future__ import annotations

from registry.core.run_view import ReleaseView
from registry.core.snapshots.image_rights import ImageRights
from registry.evaluation.fairness.sources import sources_by_group
from registry.exports.card.markdown import line, table

_SAID = {
    "honoured": "left out because they say no (honoured)",
    "overridden": "in although they say no (overridden)",
    "allowed": "in, and they say yes",
    "not_read": "in, with content credentials that could not be read",
    "silent": "in, and they say nothing (silent)",
}


def rights_section(rights: ImageRights) -> list[str]:
    """What the pictures, and the rows about them, say of training and data mining."""
    lines = ["## What the images say of their own use", ""]
    if rights.use is None:
        lines += ["**Nobody asked what the images say of their use:** the snapshot is of an older version.", ""]
    elif rights.override is not None:
        lines += [f"**Rights were overridden.** The reason that the snapshot states: {line(rights.override)}", ""]
    if rights.use is not None and rights.use.licences:
        lines += [f"Only images under these licences were taken: {', '.join(map(line, rights.use.licences))}.", ""]
    if rights.use is not None and rights.use.consent:
        lines += ["Only images that state a consent were taken.", ""]
    rows = [[_SAID[name], count] for name, count in rights.counts()]
    return [*lines, *table(["images", "number"], rows)]


def sources_section(view: ReleaseView) -> list[str]:
    """Beside each group where its attribute comes from; nothing where no source was given."""
    found = sources_by_group(view.evaluation.notes)
    if not found:
        return []
    names = ("self", "perceived", "inferred", "unstated")
    rows = [[group, *(counts.get(name, 0) for name in names)] for group, counts in found.items()]
    head = ["group", "said by the person", "perceived by somebody", "inferred by a program", "not stated"]
    return ["### Where the groups come from", "", *table(head, rows)]
