"""Whether any source knows a newer entry than the catalog: a database restored from a backup would fork the log.

Invariants: nothing is appended while any source knows an entry of this issuer that the catalog lacks. The sources are
the log's row in ``log_heads`` (which a rebuild does not touch), the store's note of the newest entry, the hint in the
home's folder, and the newest anchored entry, on the chain or in the journal. Each may be missing or older; one is
enough. An entry that no source knows any more can't be detected (docs/adr/0012).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from registry.catalog.database.database import Catalog, Connection
from registry.catalog.log_heads import Head, set_head
from registry.catalog.queries.signed_records import entries
from registry.catalog.queries.signed_records.key_changes import current_key
from registry.core import records
from registry.core.errors import Conflict, InvalidInput, NotFound, Unavailable, Untrusted
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.issuers import address_of
from registry.core.log import anchor_digest
from registry.provenance.keys import signed_heads as signed_heads
from registry.workflows.newer import refuse_newer
from registry.workflows.parts import Parts

_log = logging.getLogger(__name__)
_asked: WeakKeyDictionary[Catalog, set[str]] = WeakKeyDictionary()  # issuers whose anchors were asked for


def _heads(parts: Parts, issuer: str) -> Iterator[Head]:
    """Where the log ends, as the store and the home's folder remember it."""
    stored = parts.store.log_head(issuer)
    if stored is not None:
        yield stored
    for one in signed_heads.heads(parts.settings.home):
        if one.issuer == issuer and one.entry is not None:
            yield one.seq, one.entry


def check_newest(parts: Parts, db: Connection, issuer: str, head: Head | None) -> None:
    """``Conflict`` if the catalog is not as new as all that remembers where the log ends; ``head``: its own row,
    which is locked, and brought up to what a rebuild found."""
    newest = entries.newest(db, issuer)
    for seq, entry in (*([head] if head else []), *_heads(parts, issuer)):
        if newest is None or newest[1] < seq:
            refuse_newer(parts, [entry])
            raise _older(f"entry {seq} of {issuer}, {entry}")
        if entries.at(db, issuer, seq) != entry:
            raise Conflict(
                f"the catalog has another entry {seq} of {issuer} than {entry}",
                code="log_fork",
                hint="one of them was restored from a backup and then written to: use a catalog and a store "
                "that belong together.",
            )
    if newest is not None and (head is None or head[0] < newest[1]):
        set_head(db, issuer, newest[1], newest[0])


def ask_anchors(parts: Parts, issuer: str, *, again: bool = False) -> None:
    """``Conflict`` if something was anchored as this issuer that the catalog does not know; asked once a process, or
    ``again``.

    Where the chain can't be reached a warning is logged, and it is asked the next time.
    """
    asked = _asked.setdefault(parts.catalog, set())
    if issuer in asked and not again:
        return
    with parts.catalog.read() as db:
        key = current_key(db, issuer)  # who holds one that was replaced may have anchored anything
    try:
        anchored = parts.anchors.anchored_by(address_of(key)) if key else []
    except Unavailable as error:
        _log.warning("could not check whether something newer was anchored: %s", error)
        return
    with parts.catalog.read() as db:
        unknown = entries.unknown(db, [CID.v1(DAG_CBOR, digest) for digest in anchored])
    for cid in unknown:
        if not _is_of_another(parts, cid, issuer):
            assert key is not None  # else nothing was asked for
            check_anchored(parts, cid, address_of(key))
            raise _older(f"{cid}, which is anchored by {issuer}")
    asked.add(issuer)


def check_anchored(parts: Parts, cid: CID, publisher: str) -> None:
    """``Untrusted`` (``node_lies``) where the contract holds nothing of what a node's events say."""
    if parts.anchors.status(anchor_digest(cid), publisher).status == "none":
        raise Untrusted(
            f"the chain's node tells of an anchor of {cid}, and the contract holds none",
            code="node_lies",
            hint="set EMOTIONET_CHAIN_RPC to a node that you trust: nothing is lost.",
        )


def _is_of_another(parts: Parts, cid: CID, issuer: str) -> bool:
    """Whether it is an entry of somebody else, which was anchored on request."""
    try:
        return records.parse_as(records.Entry, parts.store.get(cid)).issuer != issuer
    except (InvalidInput, NotFound):
        return False


def _older(what: str) -> Conflict:
    return Conflict(
        f"the catalog is older than this registry's log: it lacks {what}",
        code="catalog_is_older",
        hint="run `emotionet catalog rebuild`, or import a CAR file that holds the lost entries.",
    )
