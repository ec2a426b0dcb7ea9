"""What a picture that is here says of its own use, where a row about it brings no bytes.

Invariants: only bytes with the image's sha256 are asked: a record can name an image by a CID that is another file's.
A file that is private tells nothing for a stranger's record that names it.
"""

from __future__ import annotations

from registry.catalog.queries.roots import registered_here_among
from registry.content.unixfs import reader
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.core.ports.store import BlockReader
from registry.imaging.inspect_image import rights_of
from registry.workflows.local_issuers import local_issuers
from registry.workflows.parts import Parts
from registry.workflows.store.private_blocks import PublicStore, private_blocks


def read_again(parts: Parts, cid: CID, sha256: bytes) -> dict[str, str] | None:
    """As ``NewRow.read``: None where its bytes are not here."""
    with parts.catalog.read() as db:
        is_own = bool(registered_here_among(db, [cid], local_issuers(parts)))
    store: BlockReader = parts.store if is_own else PublicStore(parts.store, private_blocks(parts))
    try:
        found = reader.measure(store, cid, keep=True)
    except (NotFound, InvalidInput):
        return None
    return rights_of(found.data) if found.sha256 == sha256 else None
