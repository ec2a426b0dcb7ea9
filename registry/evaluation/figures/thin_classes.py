"""Classes that have fewer images, or fewer persons, than there are folds: some fold trains on none or judges none.

Invariant: a warning, never a refusal; the same from a plan's labels as from an evaluation's predictions.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from registry.core.records import Note
from registry.core.text.figure_names import word
from registry.evaluation.input.columns import Columns, Ints


def thin(classes: Sequence[str], labeled: Sequence[tuple[int, Hashable, Hashable]], k: int) -> tuple[Note, ...]:
    """A note that names them; none where there are none. ``labeled``: an image's class, name and group."""
    found = []
    for index, name in enumerate(classes):
        images = {image for label, image, _ in labeled if label == index}
        groups = {group for label, _, group in labeled if label == index}
        if len(images) < k or len(groups) < k:
            found.append((word(name), len(images), len(groups)))
    if not found:
        return ()
    names, images_of, groups_of = zip(*found, strict=True)
    return (Note(code="thin_classes", values={"folds": k, "classes": names, "images": images_of, "groups": groups_of}),)


def thin_classes(columns: Columns, groups: Ints, classes: Sequence[str], k: int) -> tuple[Note, ...]:
    """``thin`` of what was judged; ``groups`` by judgement."""
    return thin(classes, list(zip(columns.truth.tolist(), columns.keys, groups.tolist(), strict=True)), k)
