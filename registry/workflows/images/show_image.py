"""One image as everybody is shown it, whether its bytes are here or have yet to come."""

from __future__ import annotations

from typing import Any

from registry.catalog.database.sql import MAX_PAGE
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.labeled_images.history import newest_history
from registry.core.errors import NotFound
from registry.workflows.names.find_image import find_image, unknown_image
from registry.workflows.parts import Parts
from registry.workflows.references.show_reference import reference_of, waiting_image

HISTORY = 100  # statements that an image's document holds; ``image_labels`` has the others


def show_image(parts: Parts, text: str, *, file_names: bool = False, most: int = MAX_PAGE) -> dict[str, Any]:
    """The image with the ``history`` of its labels (the ``most`` newest, in the order of the logs), ``next`` (the
    cursor by which ``image_labels`` gives those before them, or None) and ``reference`` (what is still to come of it).

    ``NotFound`` if no row here names it.
    """
    try:
        sha256 = find_image(parts, text, file_names=file_names)
    except NotFound:
        if (waiting := waiting_image(parts, text)) is None:
            raise
        return waiting
    with parts.catalog.read() as db:
        image, reference = images.image_of(db, sha256), reference_of(db, sha256)
        newest, following = newest_history(db, bytes.fromhex(sha256), limit=most)
    if image is not None:
        return {**image, "history": newest[::-1], "next": following, "reference": reference}
    if (waiting := waiting_image(parts, text)) is None:
        raise unknown_image(text)
    return waiting


def image_labels(
    parts: Parts, text: str, *, cursor: str | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of what was said about an image, the newest first, and the cursor of the next page or None; of one that
    waits nothing is signed yet. ``NotFound`` if no row here names it.
    """
    try:
        sha256 = find_image(parts, text)
    except NotFound:
        if waiting_image(parts, text) is None:
            raise
        return [], None
    with parts.catalog.read() as db:
        return newest_history(db, bytes.fromhex(sha256), cursor=cursor, limit=limit)


def image_or_waiting(parts: Parts, text: str) -> str:
    """The sha256 of an image that is labeled here, or the CID of one that waits. ``NotFound`` if it is neither."""
    found = show_image(parts, text)
    return str(found["sha256"] if found["sha256"] and found["size"] is not None else found["cid"])
