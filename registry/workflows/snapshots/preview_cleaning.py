"""What a training's cleaning would drop of a snapshot, found out without training: nothing is written."""

from __future__ import annotations

from typing import Any

from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.progress import silent
from registry.settings import DEFAULT_METHOD
from registry.workflows.fold_task import read_items
from registry.workflows.parts import Parts
from registry.workflows.store.read_content import read_as
from registry.workflows.training import run_context

MOST = 2000  # images: some tens of milliseconds each


def preview_cleaning(
    parts: Parts, snapshot: CID, *, method: str = DEFAULT_METHOD, recipe: str | None = None
) -> list[dict[str, Any]]:
    """Rows of what a method's recipe (its own unless named) would drop, by sha256: ``sha256, reason, measured, width,
    height``.

    ``InvalidInput`` (``too_many_images``) for a snapshot of more than ``MOST``.
    """
    record = read_as(parts, records.Snapshot, snapshot)
    if record.count > MOST:
        raise InvalidInput(
            f"this snapshot has {record.count} images: only up to {MOST} are cleaned just to look at them",
            code="too_many_images",
            hint="start a run: its first step cleans the images, and shows what it drops.",
        )
    chosen = parts.method(method)
    _, values = chosen.recipe(recipe or chosen.about().recipe, {})
    items, where = read_items(parts.store.get, record)
    rows = list(chosen.measure(items, run_context.image_reader(parts.store, where), values, silent))
    return [
        {name: getattr(one, name) for name in ("sha256", "reason", "measured", "width", "height")}
        for one in chosen.preprocess(items, rows, values)
        if one.reason is not None
    ]
