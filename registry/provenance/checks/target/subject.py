"""The target of an audit: readable blocks, the target's record and entry, and the log entries at hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from registry.core import log, records
from registry.core.errors import EmotionetError, NewerVersion, NotFound, Unavailable
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.ipld.dag import Get
from registry.core.keys.authority import Change, change_of, revoked_by
from registry.core.keys.signatures import signer_of
from registry.core.ports.anchor import Anchors
from registry.core.ports.method import Method
from registry.core.run_view import DrawView, ReleaseView, draw_view, release_view
from registry.core.table import tables
from registry.provenance.checks.results import Failed, once
from registry.provenance.checks.target.bounded_files import Files, Reading
from registry.provenance.checks.target.deep import Deep
from registry.provenance.checks.target.table_sizes import outnumbering
from registry.provenance.checks.target.typed_links import LinkedRecords, follow_links
from registry.provenance.evidence.shown import Trust

KEPT_ROWS = 100_000  # of all tables that are kept: about 100 MB
CONTENT = "content"  # the type of a target that is a file or a directory


def _read(get: Get, cid: CID) -> records.Record | None:
    """A record; None for what is none, or not at hand (1.records and 1.complete name it). ``NewerVersion`` for one that
    came after this program."""
    try:
        return records.parse(get(cid))
    except NewerVersion:
        raise
    except EmotionetError:
        return None


def _none(name: str) -> Method:
    raise NotFound(f"the training method {name!r} is not installed here")


@dataclass
class Subject:
    """``get`` gives verified bytes only, by whole CIDs; ``damaged`` are blocks that were there and did not verify.

    ``roots`` are what must be complete; ``newest`` is the log's newest entry that is known (None: the target's own);
    ``evidence`` and ``log_entries`` are all that are at hand, of whomever; ``malformed`` say to be such and are not;
    ``present`` are all blocks of a file (empty: what is held is more than one file); ``chain`` is None offline or where
    none is set up.
    """

    get: Get
    files: Files
    entry: CID | None
    record: CID
    roots: Sequence[CID]
    damaged: Sequence[CID] = ()
    newest: CID | None = None
    evidence: Sequence[CID] = ()
    log_entries: Sequence[CID] = ()
    malformed: Sequence[CID] = ()
    present: Collection[CID] = ()
    chain: Anchors | None = None
    offline: bool = False
    issuer: str | None = None  # the only signer who is accepted
    method: Callable[[str], Method] = _none  # a training method that is installed here; ``NotFound`` otherwise
    trainings_of: Callable[[str], Iterable[CID]] = lambda tensors: ()  # the trainings at hand that gave these tensors
    in_part: bool = False  # another issuer's, in a home that may hold a part of it; a file says that it is whole
    deep: Deep | None = None  # what levels 5, 7 and 8 need; None: they are not made

    size: Callable[[CID], int] | None = None  # of a verified block, where that is known without reading it
    trust: Trust = field(default_factory=Trust)  # whom the auditor trusts where evidence is checked

    def __post_init__(self) -> None:
        self.reading = Reading(self.files)
        self._release = once(self._read_release)
        self._changes: dict[str, list[Change]] = {}
        self._rows: dict[CID, list[dict[str, object]]] = {}

    @cached_property
    def type(self) -> str | None:
        """The target's type as its record says; None where it can't be read."""
        if self.record.codec != DAG_CBOR:
            return CONTENT
        try:
            return records.type_of(records.parse(self.get(self.record)))
        except NewerVersion as error:
            return error.kind
        except EmotionetError:
            return None

    def check_version(self) -> None:
        """``NewerVersion`` where the target came after this program; what else is wrong with it the checks say."""
        if self.record.codec == DAG_CBOR:
            _read(self.get, self.record)

    @property
    def release(self) -> ReleaseView:
        """The target as a release; only asked for where it is one."""
        return self._release()

    def _read_release(self) -> ReleaseView:
        return release_view(self.get, records.parse_as(records.Release, self.get(self.record)))

    def installed_method(self) -> Method | None:
        """The release's method in the plan's version; None where that is not installed here."""
        wanted = self.release.plan.method
        try:
            found = self.method(wanted.id)
        except (NotFound, Unavailable):
            return None
        return found if found.version == wanted.version else None

    @property
    def plan_entry(self) -> CID:
        """The entry of a release's plan, whatever else of the release can be read."""
        return records.parse_as(records.Release, self.get(self.record)).plan_entry

    @cached_property
    def draw(self) -> DrawView:
        """What the release's draw rests on."""
        return draw_view(self.get, self.release.release.draw)

    @property
    def is_release(self) -> bool:
        """Whether the target can be read and is a release."""
        return self.type == "release"

    @property
    def is_snapshot(self) -> bool:
        """Whether the target can be read and is a snapshot."""
        return self.type == "snapshot"

    @cached_property
    def snapshot(self) -> records.Snapshot:
        """The target, or the release's snapshot."""
        if self.is_snapshot:
            return records.parse_as(records.Snapshot, self.get(self.record))
        return self.release.snapshot

    @cached_property
    def linked(self) -> LinkedRecords:
        """Every record that links lead to from the roots and the entries at hand."""
        return follow_links(self.get, [*self.roots, *self.log_entries, *self.evidence, *self.malformed])

    def rows(self, table: CID) -> Sequence[dict[str, object]]:
        """A table's rows, its order checked; nobody changes them. Those of small tables are kept for the next check."""
        if table in self._rows:
            return self._rows[table]
        self.check_sizes(table)
        found = list(tables.rows_as_dicts(table, self.get))
        if len(found) + sum(map(len, self._rows.values())) <= KEPT_ROWS:
            self._rows[table] = found
        return found

    def check_sizes(self, *only: CID) -> None:
        """``Failed`` where a table, any or one of these, states more rows than what it is about can have."""
        for table, said in self._outnumbering.items():
            if not only or table in only:
                raise Failed(said)

    @cached_property
    def _outnumbering(self) -> Mapping[CID, str]:
        return outnumbering(self.linked.records, self.get)

    def size_of(self, block: CID) -> int:
        """How many bytes a block has, which is at hand."""
        return len(self.get(block)) if self.size is None else self.size(block)

    @cached_property
    def entries(self) -> Mapping[CID, records.Entry]:
        """Every entry at hand: the target's, the plan's, those among the log's blocks, of whomever."""
        wanted = [*([self.entry] if self.entry else []), *self.log_entries]
        if self.is_release:
            wanted.append(self.plan_entry)
        found: dict[CID, records.Entry] = {}
        for cid in dict.fromkeys(wanted):
            record = _read(self.get, cid)
            if isinstance(record, records.Entry):
                found[cid] = record
        return found

    @cached_property
    def signer(self) -> str | None:
        """The issuer whose signature on the target's entry verifies."""
        if self.entry is None:
            return None
        try:
            return log.read_entry(self.entry, self.get).issuer
        except EmotionetError:
            return None  # 2.signatures says why

    @cached_property
    def own(self) -> Sequence[tuple[CID, records.Entry]]:
        """The entries at hand that say to be of the target's issuer, by their place in the log."""
        found = [(cid, entry) for cid, entry in self.entries.items() if entry.issuer == self.signer]
        return sorted(found, key=lambda one: one[1].seq)

    def changes_of(self, issuer: str) -> Sequence[Change]:
        """The changes of keys at hand of an issuer's log that hold, by place."""
        if issuer not in self._changes:
            self._changes[issuer] = sorted(self._read_changes(issuer), key=lambda one: one.seq)
        return self._changes[issuer]

    def _read_changes(self, issuer: str) -> Iterator[Change]:
        for cid, entry in self.entries.items():
            said = self.signed_record(entry) if entry.issuer == issuer else None
            if isinstance(said, records.Keys):
                try:
                    log.verify_entry(entry, self.get)
                    yield change_of(cid, entry, said)
                except EmotionetError:
                    continue  # 2.signatures says why

    def revoked(self, cid: CID, entry: records.Entry) -> Change | None:
        """The change of keys at hand for which an entry counts no more."""
        return revoked_by(self.changes_of(entry.issuer), cid, entry.seq, signer_of(entry))

    def signed_record(self, entry: records.Entry) -> records.Record | None:
        """The record that an entry signs, None where it is not at hand. ``NewerVersion`` if unreadable here."""
        return _read(self.get, entry.record)

    def signed_type(self, entry: records.Entry) -> str:
        """The type of the record that an entry signs; a file may hold entries without their records."""
        try:
            record = self.signed_record(entry)
        except NewerVersion as error:
            return error.kind
        return "record not at hand" if record is None else records.type_of(record)
