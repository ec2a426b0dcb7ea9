"""Evidence that an issuer showed two histories, from all that this home knows: entries that it refused, checkpoints
that its witness refused.

Invariant: each document stands by itself: it was checked from its own bytes before it is given out.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from registry.catalog.queries import log_forks
from registry.core import log, records
from registry.core.errors import EmotionetError, NotFound
from registry.core.ipld import car
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.tlog import equivocation
from registry.core.tlog.halves import Beside, Known, first_contradiction, known_by_entry
from registry.core.tlog.issuer_log import origin_of
from registry.provenance.evidence import witness
from registry.workflows.log.index_logs import LARGEST
from registry.workflows.log.witnesses import witness_of
from registry.workflows.parts import Parts

_MARKS = (b"\x64type\x65entry", b"\x64type\x68evidence", b"\x64type\x64keys")


def equivocations(parts: Parts, issuer: str) -> list[dict[str, Any]]:
    """Every document that shows that this issuer's log forks, those of entries first."""
    with parts.catalog.read() as db:
        pairs = log_forks.of(db, [issuer]).get(issuer, [])
    found = []
    for pair in pairs:
        with suppress(EmotionetError):  # an entry that is no longer held, or excludes the other by more than itself
            halves = [parts.store.get(CID.parse(pair[one])) for one in ("held", "refused")]
            found.append(equivocation.of_entries(halves[0], halves[1], parts.store.get))
    for document in witness_of(parts).refused(origin_of(issuer)):
        with suppress(EmotionetError):
            equivocation.check(document)
            found.append(document)
    return found


def equivocations_in(path: Path) -> list[dict[str, Any]]:
    """The documents of what a CAR file holds that can't be of one log: one for each issuer, with nothing but the file.
    ``Untrusted``, ``InvalidInput`` for a file that is no CAR."""
    get = Beside(_signed_blocks(path))
    halves: dict[str, list[tuple[equivocation.Half, Known]]] = {}
    for cid, data in get.blocks.items():
        with suppress(EmotionetError):
            issuer, half, known = _half(cid, data, get)
            halves.setdefault(issuer, []).append((half, known))
    found = []
    for issuer in sorted(halves):
        if (apart := first_contradiction(halves[issuer])) is not None:
            with suppress(EmotionetError):
                found.append(equivocation.of_trees(apart[0], apart[1], get, get.handovers(issuer)))
    return found


def _signed_blocks(path: Path) -> dict[CID, bytes]:
    with path.open("rb") as stream:
        _, sections = car.read_raw(stream)
        return {cid: data for cid, data in sections if cid.codec == DAG_CBOR and _counts(cid, data)}


def _counts(cid: CID, data: bytes) -> bool:
    return len(data) <= LARGEST and any(mark in data for mark in _MARKS) and cid_of(data, DAG_CBOR) == cid


def _half(cid: CID, data: bytes, get: Beside) -> tuple[str, equivocation.Half, Known]:
    """Whose log a block speaks of, and what it tells. ``EmotionetError`` where nothing that was signed."""
    record = records.parse(data)
    if isinstance(record, records.Entry):
        log.verify_entry(record, get)
        return record.issuer, data, known_by_entry(cid, record)
    if not isinstance(record, records.Evidence) or record.kind != records.WITNESS:
        raise NotFound(f"{cid} is neither an entry nor a proof")
    shown = witness.verify(record, (), get.may_sign)
    return shown.signed.issuer, (record.proof or b"", shown.entry), shown.known


def equivocation_of(parts: Parts, issuer: str) -> dict[str, Any]:
    """The first of them. ``NotFound`` where this home knows of none."""
    found = equivocations(parts, issuer)
    if not found:
        raise NotFound(f"this home has no evidence that the log of {issuer} forks", hint="check the issuer.")
    return found[0]
