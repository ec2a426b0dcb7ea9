"""Which image somebody means: by a sha256 or a CID, whole or their beginning, or by its file's name in this home.

Invariant: file names come from the catalog alone and are only looked at where the caller may see them: on this machine,
never for a client of the API.
"""

from __future__ import annotations

import re

from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.signed_records import names
from registry.core.errors import NotFound
from registry.workflows.names.beginnings import SIGNS, begin_and_end, single_match
from registry.workflows.parts import Parts

_DIGEST = re.compile(rf"[0-9a-f]{{{SIGNS},63}}(?:(?:…|\.{{3}})[0-9a-f]*)?", re.ASCII)
_CID = re.compile(rf"(?:bafkrei|bafybei)[a-z2-7]{{{SIGNS},51}}(?:(?:…|\.{{3}})[a-z2-7]*)?", re.ASCII)


def find_image(parts: Parts, text: str, *, file_names: bool = False) -> str:
    """The sha256, in hex, of the image that is meant.

    ``NotFound``: no image is known by it; ``InvalidInput`` ``ambiguous``: several are, and are named.
    """
    text = text.removeprefix("/ipfs/").removeprefix("ipfs://")
    with parts.catalog.read() as db:
        known = images.resolve_image(db, text)
        if known is not None:
            return known.hex()
        called = names.images_called(db, text) if file_names else []
        if called:
            return single_match(text, [(sha256, "image") for sha256 in called])
        begun = _DIGEST.fullmatch(text) or _CID.fullmatch(text)
        if begun:
            start, end = begin_and_end(text)
            found = names.images_begun(db, start)
            found = [sha256 for sha256 in found if sha256.endswith(end) or not _DIGEST.fullmatch(text)]
            if found:
                return single_match(text, [(sha256, "image") for sha256 in found])
    raise unknown_image(text)


def unknown_image(text: str) -> NotFound:
    """The error of whatever names no image that is labeled here."""
    return NotFound(f"{text[:100]} is not an image of this catalog", hint="`emotionet images list` lists them.")
