"""A release in memory, and the key that signed it: for checks that are asked one by one, many times a second.

The blocks are those of ``tests/vectors/release-1``, its log made short: the opening, the plan, the release. What
``forgery.forge`` changes stays among a copy of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from registry.core import records
from registry.core.errors import NotFound
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.core.run_view import ReleaseView, release_view
from registry.provenance.checks.results import Check
from registry.provenance.checks.target.subject import Subject
from registry.workflows.audit.audit_file import StoredFiles
from tests.support.anchors.signer import MemorySigner
from tests.support.forgery import Changed, forge, replaced, way_back

FILE = Path(__file__).parents[1] / "vectors" / "release-1" / "release.car"
KEY = 2026


class Blocks:
    """A store in memory, whose blocks nobody verifies."""

    def __init__(self, blocks: Iterable[tuple[CID, bytes]]) -> None:
        self.all = dict(blocks)

    def has(self, cid: CID) -> bool:
        """Whether it is there."""
        return cid in self.all

    def get(self, cid: CID) -> bytes:
        """``NotFound`` for what is not there."""
        if cid not in self.all:
            raise NotFound(f"block {cid} is not here")
        return self.all[cid]

    def put(self, cid: CID, data: bytes) -> None:
        """Keep a block."""
        self.all[cid] = data


class OldRelease:
    """The blocks, the key, the entry of the release, and the release read back."""

    def __init__(self) -> None:
        self.entry, blocks = _shortened()
        self.store, self.key = Blocks(blocks.items()), MemorySigner(KEY)

    @property
    def view(self) -> ReleaseView:
        """The release as it stands."""
        return release_view(self.store.get, records.parse_as(records.Release, self.store.get(self.record)))

    @property
    def record(self) -> CID:
        """The release's own CID."""
        return self.at(self.entry).record

    def at(self, entry: CID) -> records.Entry:
        """An entry, unverified."""
        return records.parse_as(records.Entry, self.store.get(entry))

    def forge(self, changed: Changed) -> None:
        """Change blocks, and everything above them, signed again."""
        before = self.entry
        self.entry = forge(self, self.entry, changed)
        assert self.entry != before

    def subject(self, more: Iterable[CID] = (), **fields: Any) -> Subject:
        """The release as a file gives it to the checks that also holds ``more`` entries; ``fields`` otherwise."""
        fields.setdefault("get", self.store.get)
        fields.setdefault("files", StoredFiles(self.store))
        fields.setdefault("entry", self.entry)
        fields.setdefault("record", self.record)
        fields.setdefault("roots", [self.entry])
        if "log_entries" not in fields:
            fields["log_entries"] = [*way_back(self, self.entry), *more]
        return Subject(**fields)


class _Whole(OldRelease):
    """As the file has it, with a log that the file holds in part."""

    def __init__(self) -> None:
        with FILE.open("rb") as stream:
            roots, sections = car.read_raw(stream)
            self.store, self.entry = Blocks(sections), roots[0]
        self.key = MemorySigner(KEY)


@cache
def _shortened() -> tuple[CID, dict[CID, bytes]]:
    whole = _Whole()
    plan_entry = whole.view.release.plan_entry
    plan, last = whole.at(plan_entry), whole.at(whole.entry)
    assert last.prev == bytes(plan_entry)
    whole.forge(
        replaced(plan_entry, plan, seq=1, prev=plan.log) | replaced(whole.entry, last, seq=2),
    )
    return whole.entry, whole.store.all


def outcome(checks: Iterable[Check], id: str) -> tuple[str, str]:
    """Result and reason of one of these checks."""
    return next((check.result, check.reason) for check in checks if check.id == id)
