"""Make a registry again from the newest entry of its issuer's log and a gateway that serves what it published.

Invariants: every block is verified, every entry's signature and place too, before anything is indexed; images that the
log withdraws are not fetched, and their withdrawals are indexed in the same transaction as all else, so at no moment is
one served. What was fetched stays: run again, it goes on. What nobody published (names of files, tokens, keys of
subjects, jobs) can't come back, and evidence lies beside a log: a chain is asked for it again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from registry.catalog.index.rebuild import rebuild
from registry.content.sources.fetch import Through, fetch_what_there_is
from registry.core import log, records
from registry.core.errors import EmotionetError, InvalidInput, NotFound, Untrusted
from registry.core.ipld.cid import CID, RAW
from registry.core.ports.store import BlockReader
from registry.core.progress import Progress, silent
from registry.core.table import tables
from registry.workflows.local_issuers import local_issuers
from registry.workflows.log.anchors_again import anchors_again
from registry.workflows.parts import Parts


def rebuild_from_log(parts: Parts, head: CID, source: BlockReader, progress: Progress = silent) -> dict[str, Any]:
    """Fetch the log that ends at ``head`` and all that it says, then make the catalog from it; as ``rebuild``, and
    ``absent``: CIDs that the gateway does not have.

    ``NotFound`` or ``Unavailable`` where an entry can't be had, ``Untrusted`` where one does not follow another.
    """
    entries = _log(Through(source, parts.store), head, progress)
    parts.store.flush()
    newest = entries[head]
    signed = [entry.record for entry in entries.values()]
    withdrawn = _withdrawn(parts, source, signed)
    absent = fetch_what_there_is(source, parts.store, signed, withdrawn, progress)
    absent += fetch_what_there_is(source, parts.store, _named_images(parts, signed), withdrawn, progress)
    for cid in reversed(entries):
        with contextlib.suppress(NotFound):  # a closure that lacks an image is indexed, and not pinned
            parts.store.pin(cid)
    parts.store.set_log_head(newest.issuer, newest.seq, head)
    issuers = {*local_issuers(parts), newest.issuer}
    found = rebuild(parts.catalog, parts.store.get, parts.store.cids(), parts.now(), issuers=issuers)
    found = _with_anchors(parts, newest.issuer, found)
    parts.catalog.analyze()
    return {**found, "absent": sorted(set(map(str, absent)))}


def _with_anchors(parts: Parts, issuer: str, found: dict[str, Any]) -> dict[str, Any]:
    """The same, after the chain was asked where the log's entries are anchored."""
    try:
        return {**found, "evidence": max(found["evidence"], len(anchors_again(parts, issuer)))}
    except EmotionetError as error:
        said = f"anchors were not looked up again: {error}"
        return {**found, "problems": [*found["problems"], {"cid": None, "problem": said}]}


def _log(through: Through, head: CID, progress: Progress) -> dict[CID, records.Entry]:
    """The entries of a log, the newest first: each signed by one issuer, each where the one after it says."""
    found: dict[CID, records.Entry] = {}
    at: CID | None = head
    after: records.Entry | None = None
    while at is not None:
        entry = log.read_entry(at, through.get)
        if after is not None and (entry.issuer, entry.seq) != (after.issuer, after.seq - 1):
            raise Untrusted(f"entry {at} is not the one before entry {after.seq} of {after.issuer}", code="log_gap")
        found[at] = after = entry
        at = CID.decode(entry.prev) if entry.prev else None
        progress("entries", len(found), newest.seq + 1 if (newest := found[head]) else 0)
    if after is not None and after.seq != 0:
        raise Untrusted(f"the log of {after.issuer} begins with entry {after.seq}", code="log_gap")
    return found


def _named_images(parts: Parts, signed: list[CID]) -> Iterator[CID]:
    """The images of contributions' rows, which no link leads to."""
    for cid in signed:
        try:
            record = records.parse(parts.store.get(cid))
            if isinstance(record, records.Contribution):
                yield from (CID.decode(row["cid"]) for row in tables.rows_as_dicts(record.rows, parts.store.get))
        except (InvalidInput, NotFound, Untrusted):
            continue  # the rebuild tells of it


def _withdrawn(parts: Parts, source: BlockReader, signed: list[CID]) -> set[bytes]:
    """The multihashes of images that the log takes back."""
    through, found = Through(source, parts.store), set[bytes]()
    for cid in signed:
        try:
            record = records.parse(through.get(cid))
        except InvalidInput:
            continue  # the rebuild tells of it
        if isinstance(record, records.Withdrawal) and record.whole and record.target is not None:
            target = record.target
            found.add((CID.v1(RAW, target) if len(target) == 32 else CID.decode(target)).multihash)
    return found
