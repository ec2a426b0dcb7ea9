"""Audit a CAR file with nothing but the file: no key, no account, no block of this home.

Invariants: the file is read block by block into a temporary store. A block is found by its whole CID, as links name it.
Damaged blocks are listed, never used, and do not stop the audit. A file that holds a release is audited as that
release; otherwise the target is its first root. A file without a valid target gives a report with one failed check that
says why.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec import structs

from registry.content.stores.scratch import ScratchStore
from registry.content.unixfs import reader
from registry.core import records
from registry.core.errors import InvalidInput, Untrusted
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.core.picture_bytes import HEAD, what_it_is
from registry.core.ports.anchor import Anchors
from registry.core.ports.store import BlockReader
from registry.evaluation.facts import Facts
from registry.provenance.checks.listed import title_of
from registry.provenance.checks.report import Report
from registry.provenance.checks.results import FAILS, Check
from registry.provenance.checks.run_levels import OnCheck, ignore_check, levels_up_to, not_made, run_checks
from registry.provenance.checks.target.deep import NOBODY, USUALLY
from registry.provenance.checks.target.subject import Subject
from registry.provenance.evidence.shown import Trust
from registry.workflows.audit.deep_audit import give_room
from registry.workflows.audit.file_blocks import FileBlocks as FileBlocks
from registry.workflows.methods import installed

CUT_OFF, NO_TARGET = "car_truncated", "no_target"
KINDS = {  # of files, as the verdict calls what ``what_it_is`` says
    "an empty file": "empty",
    "an HTML page": "html",
    "a ZIP archive": "zip",
    "a gzip archive": "gzip",
    "a PDF": "pdf",
    "a JPEG": "jpeg",
    "a PNG": "png",
}
Known = Mapping[CID, records.Record]


class StoredFiles:
    """Files and directories of a store, as the checks read them (``checks.reading.Files``)."""

    def __init__(self, store: BlockReader) -> None:
        self._store = store

    def names(self, directory: CID) -> Mapping[str, CID]:
        """A directory's names."""
        return {name: entry.cid for name, entry in reader.entries(self._store, directory)}

    def pieces(self, file: CID) -> Iterator[tuple[CID, bytes]]:
        """A file's blocks in order."""
        for piece in reader.read_blocks(self._store, file):
            yield piece.cid, piece.data


@contextmanager
def _scratch() -> Iterator[tuple[Path, ScratchStore]]:
    with tempfile.TemporaryDirectory(prefix="emotionet-audit-") as folder, closing(ScratchStore(Path(folder))) as store:
        yield Path(folder), store


def audit_car(
    path: Path,
    *,
    level: int | None = None,
    issuer: str | None = None,
    offline: bool = True,
    chain: Anchors | None = None,
    on_check: OnCheck = ignore_check,
    room: Callable[[Subject], None] | None = None,
    trust: Trust | None = None,
) -> Report:
    """Audit a CAR file. A damaged file gives a report too, one that does not hold. ``room`` gives the deep levels what
    they need; without it they have a folder that goes when the audit ends."""
    with _scratch() as (folder, store):
        blocks = FileBlocks(store)
        try:
            subject = read_subject(blocks, blocks.read(path))
        except (InvalidInput, Untrusted) as error:
            return _untargeted(str(path), error, _facts_of_file(path, error))
        subject.offline, subject.chain, subject.issuer, subject.trust = offline, chain, issuer, trust or Trust()
        give_room(subject, folder / "deep", USUALLY, NOBODY) if room is None else room(subject)
        return run_on_file(blocks, subject, levels_up_to(level), on_check)


def read_subject(blocks: FileBlocks, roots: tuple[CID, ...]) -> Subject:
    """What a file's blocks are about. ``InvalidInput`` (``no_target``) where that can't be told."""
    known = blocks.records()
    entry, record = _target(blocks, known, roots)
    return _subject(blocks, known, roots, entry, record)


def run_on_file(
    blocks: FileBlocks, subject: Subject, levels: Collection[int], on_check: OnCheck = ignore_check
) -> Report:
    """The checks of ``levels``; first the one that fails where the file could not be read to its end."""
    report = run_checks(subject, levels, on_check)
    if blocks.fault is not None:
        report.checks.insert(0, _unusable(blocks.fault))
        if blocks.fault.code == CUT_OFF:
            report.facts = structs.replace(report.facts, file="cut")
    return report


def _untargeted(target: str, error: InvalidInput | Untrusted, facts: Facts) -> Report:
    return Report(target=target, checks=[_unusable(error), *not_made("the file has no target")], facts=facts)


def _unusable(error: Untrusted | InvalidInput) -> Check:
    reason = f"{error}: download it again" if error.code == CUT_OFF else str(error)
    return Check("1.file", 1, title_of("1.file"), FAILS, reason)


def _facts_of_file(path: Path, error: Untrusted | InvalidInput) -> Facts:
    """What a file is that can't be audited."""
    if error.code in (CUT_OFF, NO_TARGET):
        return Facts(type=None, file="cut" if error.code == CUT_OFF else "untargeted")
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    return Facts(type=None, file="other", kind=None if car.is_car(head) else KINDS.get(what_it_is(head) or ""))


def _target(blocks: FileBlocks, known: Known, roots: tuple[CID, ...]) -> tuple[CID | None, CID]:
    """Entry and record of what the file is about. ``InvalidInput`` (``no_target``) where that can't be told."""
    if not roots:
        raise InvalidInput("the CAR file names no root", code=NO_TARGET)
    first = known.get(roots[0])
    if isinstance(first, records.Evidence) or "evidence" in (
        blocks.newer.get(roots[0]),
        blocks.malformed.get(roots[0]),
    ):
        raise InvalidInput(
            "the file's first root is evidence of an anchor, which has no signature; the first root must be the entry "
            "to audit, for example a release's",
            code=NO_TARGET,
        )
    if roots[0] in blocks.damaged:
        return roots[0], roots[0]
    releases = [cid for cid, one in known.items() if isinstance(one, records.Entry) and _signs_release(one, known)]
    named = [cid for cid in roots if cid in releases]
    if not named and len(releases) > 1:
        raise InvalidInput("the file holds several releases, and none of them is a root", code=NO_TARGET)
    entry = named[0] if named else releases[0] if releases else roots[0]
    found = known.get(entry)
    return (entry, found.record) if isinstance(found, records.Entry) else (None, roots[0])


def _signs_release(entry: records.Entry, known: Known) -> bool:
    return isinstance(known.get(entry.record), records.Release)


def _subject(blocks: FileBlocks, known: Known, roots: tuple[CID, ...], entry: CID | None, record: CID) -> Subject:
    return Subject(
        get=blocks.get,
        size=blocks.size,
        files=StoredFiles(blocks),
        entry=entry,
        record=record,
        roots=list(dict.fromkeys([*roots, entry or record])),  # the target, whatever the file names
        damaged=blocks.damaged,
        newest=_newest(known, entry),
        evidence=[cid for cid, one in known.items() if isinstance(one, records.Evidence)] + blocks.of_later("evidence"),
        log_entries=[cid for cid, one in known.items() if isinstance(one, records.Entry)] + blocks.of_later("entry"),
        malformed=list(blocks.malformed),
        present=blocks.present,
        method=installed,
        trainings_of=lambda tensors: [
            cid for cid, one in known.items() if isinstance(one, records.Training) and one.tensors == tensors
        ],
    )


def _newest(known: Known, entry: CID | None) -> CID | None:
    """The newest entry that an evidence names, at or after the target's; None without evidence."""
    target = known.get(entry) if entry else None
    if not isinstance(target, records.Entry):
        return None
    best, seq = None, target.seq - 1
    for one in known.values():
        if not isinstance(one, records.Evidence):
            continue
        try:
            named = CID.decode(one.entry)
        except InvalidInput:
            continue  # 1.records names it
        other = known.get(named)
        if isinstance(other, records.Entry) and other.issuer == target.issuer and other.seq > seq:
            best, seq = named, other.seq
    return best
