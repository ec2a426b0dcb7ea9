"""Small pictures of images of the catalog, made once and kept in the home.

Invariants: a thumbnail is made only of bytes that hash to the image's sha256, whatever CID a row gives them; none is
given of what was withdrawn, is private or that no contribution speaks of. What can't be decoded is remembered as an
empty file, and not tried again. Few are decoded at once: a large picture takes hundreds of MB meanwhile.
"""

from __future__ import annotations

import hashlib
import io
import threading

from registry.catalog.queries.labeled_images.images import cids_of, get_image
from registry.catalog.queries.roots import registered_here, withheld_mark
from registry.content.unixfs import reader
from registry.core.errors import InvalidInput, NotFound, Unavailable, Untrusted
from registry.core.ipld.cid import CID
from registry.imaging.decode import MAX_BYTES as MAX_IMAGE
from registry.imaging.inspect_image import size_of
from registry.imaging.thumbnail import thumbnail
from registry.workflows.images.kept_thumbnails import KeptThumbnails
from registry.workflows.local_issuers import local_issuers
from registry.workflows.parts import Parts
from registry.workflows.store.private_blocks import private_blocks

MAX_SIZES = 10_000  # of originals that are remembered
PATIENCE = 10.0  # seconds that one waits to be decoded
_DECODING = threading.BoundedSemaphore(2)


class Withdrawn(NotFound):
    """The image was taken back."""


class NoPicture(InvalidInput):
    """There is nothing to show; ``code``: ``not_held`` or ``undecodable``."""


class Thumbnails:
    """The thumbnails of one home. One object serves all threads."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._kept = KeptThumbnails(parts.settings.home)
        self._sizes: dict[str, tuple[int, int]] = {}
        self._private: tuple[tuple[int, ...], frozenset[bytes]] = ((), frozenset())

    def get(self, sha256_or_cid: str, side: int) -> tuple[str, bytes]:
        """The image's sha256, and WebP of at most ``side`` by ``side`` pixels (one of ``SIDES``).

        ``NotFound`` if it is no image of the catalog, ``Withdrawn``, ``NoPicture``; ``Unavailable`` where too many are
        being decoded.
        """
        sha256 = self._shown(sha256_or_cid)
        data = self._kept.find(sha256, side)
        if data is None:
            data = _made(self.whole(sha256), side)
            self._kept.keep(sha256, side, data)
        if not data:
            raise NoPicture("this can't be decoded as a picture", code="undecodable")
        return sha256, data

    def original(self, sha256: str) -> bytes:
        """The bytes of an image that may be shown. ``NotFound``, ``Withdrawn``, ``NoPicture``."""
        return self.whole(self._shown(sha256))

    def size(self, sha256: str) -> tuple[int, int] | None:
        """Width and height of the upright original, in whose pixels boxes are given; None where it can't be read."""
        if sha256 not in self._sizes:
            try:
                data = self.whole(sha256)
            except NoPicture:
                return None
            if len(self._sizes) >= MAX_SIZES:
                self._sizes.clear()
            self._sizes[sha256] = size_of(lambda limit: data[:limit])
        found = self._sizes[sha256]
        return found if all(found) else None

    def _shown(self, sha256_or_cid: str) -> str:
        """The sha256 of an image that may be shown."""
        with self._parts.catalog.read() as db:
            image = get_image(db, sha256_or_cid)
        if image is None:
            raise NotFound(f"{sha256_or_cid[:100]} is not an image of this catalog", hint="see /images.")
        if image["status"] == "withdrawn":
            raise Withdrawn(f"{image['sha256']} was withdrawn", code="withdrawn")
        return str(image["sha256"])

    def whole(self, sha256: str) -> bytes:
        """The verified bytes of an image that may be shown. ``NoPicture`` where none are here, or none small enough."""
        with self._parts.catalog.read() as db:
            cids, ours = cids_of(db, sha256), registered_here(db, sha256, local_issuers(self._parts))
            mark = withheld_mark(db)
        private = frozenset[bytes]() if ours else self._hidden(mark)
        for cid in cids:
            data = None if cid.multihash in private else self._read(cid)
            if data is not None and hashlib.sha256(data).hexdigest() == sha256:
                return data
        raise NoPicture(f"the bytes of {sha256} are not held here", code="not_held")

    def _hidden(self, mark: tuple[int, ...]) -> frozenset[bytes]:
        """Private blocks; only what was imported since, which changes the mark, can add to them."""
        known, hidden = self._private
        if known != mark:
            hidden = private_blocks(self._parts)
            self._private = mark, hidden
        return hidden

    def _read(self, cid: CID) -> bytes | None:
        try:
            return reader.read_whole(self._parts.store, cid, MAX_IMAGE)
        except (NotFound, InvalidInput, Untrusted):
            return None


def _made(data: bytes, side: int) -> bytes:
    """WebP; nothing for what can't be decoded."""
    if not _DECODING.acquire(timeout=PATIENCE):
        raise Unavailable("other pictures are being decoded", code="busy", hint="try again in a moment.")
    try:
        small = thumbnail(data, side)
    finally:
        _DECODING.release()
    made = io.BytesIO()
    if small is not None:
        small.save(made, "WEBP", quality=80, method=4)
    return made.getvalue()
