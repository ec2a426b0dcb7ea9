"""One image as everybody is shown it, whether its bytes are here or have yet to come."""

from __future__ import annotations

from typing import Any

from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.labeled_images.rows import image_history
from registry.core.errors import NotFound
from registry.workflows.names.find_image import find_image, unknown_image
from registry.workflows.parts import Parts
from registry.workflows.references.show_reference import reference_of, waiting_image


def show_image(parts: Parts, text: str, *, file_names: bool = False) -> dict[str, Any]:
    """The image with the ``history`` of its labels, and ``reference``: what is still to come of it, or None.

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
        history = image_history(db, bytes.fromhex(sha256))
    if image is not None:
        return {**image, "history": history, "reference": reference}
    if (waiting := waiting_image(parts, text)) is None:
        raise unknown_image(text)
    return waiting


def image_or_waiting(parts: Parts, text: str) -> str:
    """The sha256 of an image that is labeled here, or the CID of one that waits. ``NotFound`` if it is neither."""
    found = show_image(parts, text)
    return str(found["sha256"] if found["sha256"] and found["size"] is not None else found["cid"])
