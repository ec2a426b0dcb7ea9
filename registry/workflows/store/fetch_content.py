"""Make sure that something is held here, fetching what is missing from the gateways or the IPFS node's peers."""

from __future__ import annotations

from registry.content.sources.fetch import Limits, Through, fetch
from registry.content.unixfs import reader
from registry.core.errors import NotFound, Unavailable
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import check_present
from registry.core.progress import Progress, silent
from registry.workflows.parts import Parts


def ensure_held(
    parts: Parts,
    root: CID,
    progress: Progress = silent,
    limits: Limits | None = None,
    withdrawn: list[CID] | None = None,
) -> None:
    """Fetch what ``root`` reaches and is not here. ``NotFound`` names what is missing where nothing is set up.

    Cut off and run again, it goes on. With ``withdrawn`` it goes on without what was withdrawn where it is asked for,
    and lists that there. ``Unavailable``: nobody has it, or nobody answers.
    """
    try:
        check_present(parts.store, [root])
    except NotFound as error:
        if parts.source is None:
            raise _nowhere(error) from error
        try:
            fetch(parts.source, parts.store, root, limits, progress, withdrawn=withdrawn)
        except NotFound as absent:
            raise Unavailable(str(absent)) from absent


def resolve(parts: Parts, root: CID, path: str) -> CID:
    """What a path below ``root`` names; the nodes on the way are fetched if they are not here."""
    try:
        if parts.source is None:
            return reader.resolve(parts.store, root, path)
        found = reader.resolve(Through(parts.source, parts.store), root, path)
        parts.store.flush()
    except NotFound as error:
        if parts.source is None and error.code != "damaged" and not parts.store.has(root):
            raise _nowhere(error) from error
        raise
    return found


def _nowhere(error: NotFound) -> NotFound:
    return NotFound(
        str(error),
        code=error.code,
        hint="import it, or a CAR file of it; or name a gateway that has it: "
        "EMOTIONET_GATEWAYS=https://trustless-gateway.link.",
    )
