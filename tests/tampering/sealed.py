"""A release's file in memory, and an audit of it that takes some hundredths of a second.

Invariant: the checks are those of every audit, on blocks that were hashed again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from registry.content.stores.memory import MemoryStore
from registry.core import log
from registry.core.errors import InvalidInput, Untrusted
from registry.core.ipld.cid import CID
from registry.provenance.checks.report import Report
from registry.provenance.checks.results import FAILS, Check
from registry.provenance.checks.run_levels import OnCheck, ignore_check
from registry.provenance.checks.target.deep import NOBODY, DeepOptions
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
    blocks = FileBlocks(MemoryStore())
    blocks.add(file.sections)
    subject = read_subject(blocks, file.roots)
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
    """The first check that fails; NEWER where the audit vouches for nothing, since something came after this program;
    None where neither is so."""
    try:
        report = audit(file, trust, levels, issuer, _until_the_first, folder)
    except _Alarm as found:
        return str(found)
    except (InvalidInput, Untrusted):
        return "1.file"
    return NEWER if any(one.newer for one in report.checks) and report.exit_code(strict=False) else None
