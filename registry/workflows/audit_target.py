"""Audit a CAR file or what is held here: read it without trusting it, then run the checks.

Invariants: a CAR file is read block by block; damaged blocks are remembered, never used, and stop nothing;
its target is its first root. An audit of a file needs no key, no account, and nothing that this home holds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from registry.catalog import entries, images
from registry.content.embedded import EmbeddedStore
from registry.core import car, records
from registry.core.anchor import Anchors
from registry.core.cid import CID, DAG_CBOR, verify
from registry.core.errors import EmotionetError, InvalidInput, NotFound, Unavailable, Untrusted
from registry.provenance.checks.report import FAILS, Check, Report
from registry.provenance.checks.run import levels_up_to, run_checks
from registry.provenance.checks.subject import Subject
from registry.workflows.base_weights import known_trainings
from registry.workflows.parts import Parts
from registry.workflows.read_content import parse_path

MAX_BYTES = 64 << 30


def audit_target(
    parts: Parts, target: str, *, level: int | None = None, issuer: str | None = None, offline: bool = False
) -> Report:
    """Audit a CID that is held, or a CAR file. ``NotFound`` or ``Unavailable`` if there is nothing to read."""
    path = Path(target)
    chain = None if offline or not parts.settings.chain_rpc else parts.anchors
    if path.is_file():
        return audit_car(path, level=level, issuer=issuer, offline=offline, chain=chain)
    cid, rest = parse_path(target)
    if rest:
        raise InvalidInput(f"{target} has a path: audit a record, an entry or a directory by its CID")
    return audit_held(parts, cid, level=level, issuer=issuer, offline=offline, chain=chain)


def audit_held(
    parts: Parts, cid: CID, *, level: int | None, issuer: str | None, offline: bool, chain: Anchors | None
) -> Report:
    """Audit what this home holds."""
    if not parts.store.has(cid):
        raise NotFound(f"{cid} is not held here: give a CAR file of it, or import it")
    with parts.catalog.read() as db:
        record = entries.record_of(db, cid)
        entry = cid if record != cid else entries.entry_of(db, cid, None)
        evidence = [CID.parse(row["cid"]) for row in entries.evidence_for(db, entry)] if entry else []
        newest = _newest_anchored(parts, evidence)
        withdrawn = frozenset(images.withdrawn(db))
    subject = Subject(
        get=parts.store.get,
        entry=entry,
        record=record,
        roots=[entry or record],
        newest=newest,
        evidence=evidence,
        chain=chain,
        offline=offline,
        withdrawn=withdrawn,
        issuer=issuer,
        trainings_of=partial(known_trainings, parts),
    )
    return run_checks(subject, levels_up_to(level))


def _newest_anchored(parts: Parts, evidence: list[CID]) -> CID | None:
    for cid in evidence:
        return CID.decode(records.parse_as(records.Evidence, parts.store.get(cid)).entry)
    return None


class _CarBlocks:
    """The blocks of a CAR file: those that verify in a scratch store, the others remembered."""

    def __init__(self, store: EmbeddedStore) -> None:
        self.store = store
        self.damaged: list[CID] = []
        self.records: list[CID] = []
        self.cut = ""

    def read(self, path: Path) -> tuple[CID, ...]:
        """Read the whole file; returns its roots."""
        try:
            with path.open("rb") as stream:
                roots, sections = car.read_raw(stream)
                self._sections(sections)
        except OSError as error:
            raise Unavailable(f"{path} can't be read: {error.strerror}") from error
        return roots

    def _sections(self, sections: Iterator[tuple[CID, bytes]]) -> None:
        total = 0
        try:
            for cid, data in sections:
                total += len(data)
                if total > MAX_BYTES:
                    raise InvalidInput("the CAR file is larger than 64 GiB", code="too_large")
                try:
                    verify(cid, data)
                    self.store.put(cid, data)
                except Untrusted:
                    self.damaged.append(cid)
                    continue
                if cid.codec == DAG_CBOR:
                    self.records.append(cid)
        except (Untrusted, InvalidInput) as error:
            self.cut = str(error)


@contextmanager
def _scratch() -> Iterator[EmbeddedStore]:
    with tempfile.TemporaryDirectory(prefix="emotionet-audit-") as folder:
        yield EmbeddedStore(Path(folder))


def audit_car(
    path: Path,
    *,
    level: int | None = None,
    issuer: str | None = None,
    offline: bool = True,
    chain: Anchors | None = None,
) -> Report:
    """Audit a CAR file with nothing but the file. A damaged file gives a report too, one that does not hold."""
    with _scratch() as store:
        blocks = _CarBlocks(store)
        try:
            roots = blocks.read(path)
        except (InvalidInput, Untrusted) as error:
            return _unusable(str(path), str(error))
        if not roots:
            return _unusable(str(path), "the CAR file names no root")
        subject = _subject(blocks, roots, issuer, offline, chain)
        report = run_checks(subject, levels_up_to(level))
        if blocks.cut:
            report.checks.insert(0, Check("1.file", 1, "the file is whole", FAILS, blocks.cut))
        return report


def _unusable(target: str, reason: str) -> Report:
    return Report(target=target, checks=[Check("1.file", 1, "the file is whole", FAILS, reason)])


def _parsed(store: EmbeddedStore, cids: list[CID]) -> dict[CID, records.Record]:
    found = {}
    for cid in cids:
        try:
            found[cid] = records.parse(store.get(cid))
        except EmotionetError:
            continue  # tables' nodes, and what the checks will name
    return found


def _subject(
    blocks: _CarBlocks, roots: tuple[CID, ...], issuer: str | None, offline: bool, chain: Anchors | None
) -> Subject:
    known = _parsed(blocks.store, blocks.records)
    first = known.get(roots[0])
    entry, record = (roots[0], first.record) if isinstance(first, records.Entry) else (None, roots[0])
    if entry is None and roots[0] in blocks.damaged:
        entry = roots[0]
    evidence = [cid for cid, one in known.items() if isinstance(one, records.Evidence)]
    log = [cid for cid, one in known.items() if isinstance(one, records.Entry)]
    withdrawn = {one.target for one in known.values() if isinstance(one, records.Withdrawal)}
    return Subject(
        get=blocks.store.get,
        entry=entry,
        record=record,
        roots=list(roots),
        damaged=blocks.damaged,
        newest=_newest(known, entry),
        evidence=evidence,
        log_entries=log,
        chain=chain,
        offline=offline,
        withdrawn=frozenset(withdrawn),
        issuer=issuer,
        trainings_of=lambda tensors: [
            cid for cid, one in known.items() if isinstance(one, records.Training) and one.tensors == tensors
        ],
    )


def _newest(known: dict[CID, records.Record], entry: CID | None) -> CID | None:
    """The newest entry that an evidence names, at or after the target's; None without evidence."""
    target = known.get(entry) if entry else None
    if not isinstance(target, records.Entry):
        return None
    best, seq = None, target.seq - 1
    for one in known.values():
        if isinstance(one, records.Evidence):
            named = CID.decode(one.entry)
            other = known.get(named)
            if isinstance(other, records.Entry) and other.issuer == target.issuer and other.seq > seq:
                best, seq = named, other.seq
    return best
