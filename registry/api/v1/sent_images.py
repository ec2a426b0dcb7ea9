"""Which images a request may register by CID: those whose bytes are held, are not private, and begin as an image does.

Invariant: private bytes and missing bytes get the same answer.
"""

from __future__ import annotations

from registry.api.gateway.public import PublicStore
from registry.content.unixfs import reader
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID
from registry.core.picture_bytes import HEAD, begins_as_picture, why_no_picture
from registry.core.ports.store import BlockReader
from registry.workflows.parts import Parts


def not_held(cid: CID) -> NotFound:
    """The answer for an image whose bytes are not here."""
    return NotFound(
        f"the bytes of {cid} are not held here", code="not_held", hint="send them by POST /api/v1/blocks first."
    )


def readable(parts: Parts, cid: CID, public_store: PublicStore) -> BlockReader:
    """Where an image is read from: a file of somebody else's making finds no part of itself in what is private."""
    return parts.store if public_store.hides(cid) else public_store


def check_begins(store: BlockReader, cid: CID, private: bool) -> None:
    """``InvalidInput`` (``not_an_image``) for what begins as something else; ``NotFound`` (``not_held``)."""
    try:
        head = b"".join(reader.read_file(store, cid, 0, HEAD))
    except NotFound as error:
        raise not_held(cid) from error
    except InvalidInput as error:
        if private:
            raise not_held(cid) from error
        raise
    check_head(cid, head, private)


def check_head(cid: CID, head: bytes, private: bool) -> None:
    """The same by a file's first bytes."""
    if begins_as_picture(head):
        return
    if private:
        raise not_held(cid)
    raise InvalidInput(
        f"{cid} is {why_no_picture(head) or 'no picture'}", code="not_an_image", hint="register only pictures."
    )
