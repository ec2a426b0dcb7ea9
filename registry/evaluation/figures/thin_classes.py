"""Classes that have fewer images, or fewer persons, than there are folds: some fold trains on none or judges none.

Invariant: a warning, never a refusal; the same from a plan's labels as from an evaluation's predictions.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from registry.evaluation.input.columns import Columns, Ints


def thin(classes: Sequence[str], labeled: Sequence[tuple[int, Hashable, Hashable]], k: int) -> tuple[str, ...]:
    """A sentence that names them; none where there are none. ``labeled``: an image's class, name and group."""
    told = []
    for index, name in enumerate(classes):
        images = {image for label, image, _ in labeled if label == index}
        groups = {group for label, _, group in labeled if label == index}
        if len(images) < k or len(groups) < k:
            told.append(f"{name} ({len(images)} images, {len(groups)} groups)")
    if not told:
        return ()
    return (
        f"Classes with fewer images, or groups of persons and near-duplicates, than the {k} folds: {', '.join(told)}. "
        "Some fold judges none of them, or is trained on few.",
    )


def thin_classes(columns: Columns, groups: Ints, classes: Sequence[str], k: int) -> tuple[str, ...]:
    """``thin`` of what was judged; ``groups`` by judgement."""
    return thin(classes, list(zip(columns.truth.tolist(), columns.keys, groups.tolist(), strict=True)), k)
