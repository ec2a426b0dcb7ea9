"""A release's file in memory, and an audit of it that takes some hundredths of a second.

Invariant: the checks are those of every audit, on blocks that were hashed again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from registry.content.stores.memory import MemoryStore
from registry.core import log
from registry.core.errors import InvalidInput, Untrusted
from registry.core.ipld.cid import CID
from registry.provenance.checks.report import Report
from registry.provenance.checks.results import FAILS, Check
from registry.provenance.checks.run_levels import OnCheck, ignore_check
from registry.provenance.checks.target.deep import NOBODY, DeepOptions
from registry.provenance.checks.target.subject import Subject
from registry.provenance.evidence.shown import Trust
from registry.workflows.audit.audit_file import FileBlocks, read_subject, run_on_file
from registry.workflows.audit.deep_audit import give_room
from tests.support.forgery import sections

Section = tuple[CID, bytes]
DEFAULT = (1, 2, 3, 4, 6)
NEWER = "not vouched for"


@dataclass(frozen=True)
class File:
    """A CAR file: its roots, and its blocks in their order, true or not."""

    roots: tuple[CID, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Sealed:
    """An honest release: its file, who can sign in its place, whom its auditor trusts, and blocks of another release of
    the same issuer, to replay."""

    name: str
    file: File
    key: log.Signer
    trust: Trust = field(default_factory=Trust)
    other: File = field(default_factory=lambda: File((), ()))
    older: tuple[log.Signer, ...] = ()  # keys that signed before this one

    def signer_of(self, key: bytes, signer: log.Signer) -> log.Signer:
        """Who signs an entry in the name of a key, where it is the holder who signs: the very key, as it was."""
        known = {one.public_key: one for one in (self.key, *self.older)}
        return known.get(key, signer) if signer is self.key else signer

    @cached_property
    def says(self) -> dict[str, tuple[str, str]]:
        """What an audit says of the honest file."""
        return said(audit(self.file, self.trust, issuer=self.key_of_log))

    @cached_property
    def key_of_log(self) -> str:
        """The issuer, who is the key that opened the log."""
        return (self.older or (self.key,))[0].did

    @property
    def blocks(self) -> dict[CID, bytes]:
        """The file's blocks by CID."""
        return dict(self.file.sections)


def read_file(path: Path) -> File:
    """A CAR file that lies on disk."""
    roots, blocks = sections(path)
    return File(roots, tuple(blocks))


class _Alarm(Exception):
    """The first check that fails ends an audit."""


def _until_the_first(check: Check) -> None:
    if check.result == FAILS:
        raise _Alarm(check.id)


def subject_of(file: File) -> tuple[FileBlocks, Subject]:
    """Its blocks, hashed, and what they are about."""
    blocks = FileBlocks(MemoryStore())
    blocks.add(file.sections)
    return blocks, read_subject(blocks, file.roots)


def said(report: Report) -> dict[str, tuple[str, str]]:
    """Each check's result and reason, the target, and what was taken back."""
    found = {one.id: (one.result, one.reason) for one in report.checks}
    return found | {"target": (report.target, str(report.entry)), "withdrawn": (str(report.withdrawn), "")}


def audit(
    file: File,
    trust: Trust,
    levels: Collection[int] = DEFAULT,
    issuer: str | None = None,
    on_check: OnCheck = ignore_check,
    folder: Path | None = None,
) -> Report:
    """The report of an offline audit. ``InvalidInput`` or ``Untrusted`` where the file has no target. ``folder``: for
    levels 5, 7 and 8."""
    blocks, subject = subject_of(file)
    subject.offline, subject.trust, subject.issuer = True, trust, issuer
    if folder is not None:
        give_room(subject, folder, DeepOptions(all=True), NOBODY)
    return run_on_file(blocks, subject, levels, on_check)


def alarm(
    file: File,
    trust: Trust,
    levels: Collection[int] = DEFAULT,
    issuer: str | None = None,
    folder: Path | None = None,
) -> str | None:
    """``heard``, without the report."""
    return heard(file, trust, levels, issuer, folder)[0]


def heard(
    file: File,
    trust: Trust,
    levels: Collection[int] = DEFAULT,
    issuer: str | None = None,
    folder: Path | None = None,
) -> tuple[str | None, Report | None]:
    """The first check that fails; NEWER where the audit vouches for nothing, since something came after this program;
    LACKING where it needs what is not there. None where none is so, and the whole report."""
    try:
        report = audit(file, trust, levels, issuer, _until_the_first, folder)
    except _Alarm as found:
        return str(found), None
    except (InvalidInput, Untrusted):
        return "1.file", None
    if report.exit_code(strict=False):
        if any(one.newer for one in report.checks):
            return NEWER, None
        if lacking := [one.id for one in report.checks if one.lacking]:
            return lacking[0], None
    return None, report
