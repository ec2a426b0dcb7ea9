"""The blocks of a CAR file while it is audited: found by their whole CIDs; damaged ones are listed and never used."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Protocol

from registry.core import records
from registry.core.errors import EmotionetError, InvalidInput, NewerVersion, Untrusted, not_read
from registry.core.ipld import car, encoding
from registry.core.ipld.cid import CID, DAG_CBOR, IDENTITY
from registry.core.ipld.dag import MissingBlock
from registry.core.table.levels import is_node

MAX_BYTES = 64 << 30


class Blocks(Protocol):
    """Where the blocks of a file are kept while it is audited."""

    def put(self, cid: CID, data: bytes, /) -> None:
        """Keep a block. ``Untrusted`` for wrong bytes."""
        ...

    def get(self, cid: CID, /) -> bytes:
        """A block that was put."""
        ...


class FileBlocks:
    """The blocks of a CAR file by their whole CIDs: those that verify in a scratch store, the others remembered."""

    def __init__(self, store: Blocks) -> None:
        self._store = store
        self._sizes: dict[CID, int] = {}
        self.damaged: list[CID] = []
        self.newer: dict[CID, str] = {}  # what came after this program, by its type
        self.malformed: dict[CID, str] = {}  # what says to be an entry or evidence, and is none
        self.fault: Untrusted | InvalidInput | None = None  # that ended the reading

    @property
    def present(self) -> Collection[CID]:
        """The blocks that verify."""
        return self._sizes.keys()

    def size(self, cid: CID) -> int:
        """How many bytes a block has. ``NotFound`` as ``get``."""
        return self._sizes[cid] if cid in self._sizes else len(self.get(cid))

    def has(self, cid: CID) -> bool:
        """Whether the file holds it, whole."""
        return cid.hash_code == IDENTITY or cid in self._sizes

    def get(self, cid: CID) -> bytes:
        """The verified bytes. ``NotFound`` for what the file does not hold under this very CID."""
        if not self.has(cid):
            raise MissingBlock(cid, "in the file")
        return self._store.get(cid)

    def read(self, path: Path) -> tuple[CID, ...]:
        """Read the whole file; returns its roots."""
        try:
            with path.open("rb") as stream:
                roots, sections = car.read_raw(stream)
                self.add(sections)
        except OSError as error:
            raise not_read(path, error) from error
        return roots

    def add(self, sections: Iterable[tuple[CID, bytes]]) -> None:
        """Take a file's blocks; what ends the reading is remembered."""
        total = 0
        try:
            for cid, data in sections:
                total += len(data)
                if total > MAX_BYTES:
                    raise InvalidInput("the CAR file is larger than 64 GiB", code="too_large")
                try:
                    self._store.put(cid, data)
                except Untrusted:
                    self.damaged.append(cid)
                else:
                    self._sizes[cid] = len(data)
        except (Untrusted, InvalidInput) as error:
            self.fault = error

    def records(self) -> dict[CID, records.Record]:
        """Every block that is a record. What looks like one and is none, the checks will name."""
        found = {}
        for cid in self.present:
            if cid.codec == DAG_CBOR and not is_node(data := self._store.get(cid)):
                try:
                    found[cid] = records.parse(data)
                except NewerVersion as error:
                    self.newer[cid] = error.kind
                except Exception:  # a stranger's bytes may break anything, and 1.records meets them again
                    self._note(cid)
        return found

    def _note(self, cid: CID) -> None:
        try:
            value = encoding.decode(self._store.get(cid))
        except EmotionetError:
            return
        kind = value.get("type") if isinstance(value, dict) else None
        if kind in ("entry", "evidence"):
            self.malformed[cid] = kind

    def of_later(self, kind: str) -> list[CID]:
        """Records of this type in a version that came after this program."""
        return [cid for cid, one in self.newer.items() if one == kind]
