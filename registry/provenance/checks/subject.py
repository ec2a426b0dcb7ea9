"""What is audited: blocks that can be read, the target's record and entry, the log's entries at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from registry.core import records, tables
from registry.core.anchor import Anchors
from registry.core.cid import CID, DAG_CBOR
from registry.core.errors import EmotionetError
from registry.provenance.lineage import DrawView, ReleaseView, draw_view, release_view

Get = Callable[[CID], bytes]


@dataclass
class Subject:
    """``get`` gives verified bytes only; ``damaged`` are blocks that were there and did not verify.

    ``roots`` are what must be complete; ``newest`` is the log's newest entry that is known (None: the
    target's own); ``chain`` is None offline or where none is set up.
    """

    get: Get
    entry: CID | None
    record: CID
    roots: Sequence[CID]
    damaged: Sequence[CID] = ()
    newest: CID | None = None
    evidence: Sequence[CID] = ()
    log_entries: Sequence[CID] = ()
    chain: Anchors | None = None
    offline: bool = False
    withdrawn: frozenset[bytes] = frozenset()
    issuer: str | None = None  # the only signer who is accepted
    images: Mapping[CID, bytes] = field(default_factory=dict)
    trainings_of: Callable[[str], Iterable[CID]] = lambda tensors: ()  # the trainings at hand that gave these tensors

    @cached_property
    def parsed(self) -> records.Record:
        """The target's record."""
        return records.parse(self.get(self.record))

    @cached_property
    def release(self) -> ReleaseView:
        """The target as a release; only asked for where it is one."""
        return release_view(self.get, records.parse_as(records.Release, self.get(self.record)))

    @cached_property
    def draw(self) -> DrawView:
        """What the release's draw rests on."""
        return draw_view(self.get, self.release.release.draw)

    @property
    def is_release(self) -> bool:
        """Whether the target can be read and is a release."""
        return self._is(records.Release)

    @property
    def is_snapshot(self) -> bool:
        """Whether the target can be read and is a snapshot."""
        return self._is(records.Snapshot)

    def _is(self, kind: type[records.Record]) -> bool:
        if self.record.codec != DAG_CBOR:
            return False
        try:
            return isinstance(self.parsed, kind)
        except EmotionetError:
            return False

    @cached_property
    def snapshot(self) -> records.Snapshot:
        """The target, or the release's snapshot."""
        if self.is_snapshot:
            return records.parse_as(records.Snapshot, self.get(self.record))
        return self.release.snapshot

    def rows(self, table: CID) -> list[dict[str, object]]:
        """A table's rows, its order checked."""
        return list(tables.rows_as_dicts(table, self.get))

    def entries(self) -> Sequence[tuple[CID, records.Entry]]:
        """Entries among the roots and the log's blocks."""
        found = []
        for cid in dict.fromkeys([*([self.entry] if self.entry else []), *self.log_entries]):
            record = records.parse(self.get(cid))
            if isinstance(record, records.Entry):
                found.append((cid, record))
        return found
