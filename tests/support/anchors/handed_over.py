"""Changes of keys in logs that tests make: honest ones, and those of thieves."""

from __future__ import annotations

from typing import Protocol

import msgspec

from registry.core import log, records
from registry.core.ipld.cid import CID
from registry.core.issuers import DID_PREFIX, address_of_key
from registry.core.keys.proofs import prove
from registry.core.keys.signatures import signing_bytes
from registry.core.records import Entry, Keys


class Pen(Protocol):
    """What signs."""

    @property
    def public_key(self) -> bytes: ...
    def sign(self, message: bytes) -> bytes: ...


def did(key: Pen) -> str:
    return DID_PREFIX + address_of_key(key.public_key)


class Book:
    """A log in memory: its blocks, and each entry as it was appended, by whatever key, without being checked."""

    def __init__(self, owner: Pen) -> None:
        self.issuer = did(owner)
        self.blocks: dict[CID, bytes] = {}
        self.cids: list[CID] = []
        self.authority: CID | None = None
        self.say(owner, records.Issuer(chains=()))

    def get(self, cid: CID) -> bytes:
        return self.blocks[cid] if cid in self.blocks else log.nothing(cid)

    def put(self, record: records.Record) -> CID:
        cid = records.cid(record)
        self.blocks[cid] = records.encode(record)
        return cid

    def entry(self, cid: CID) -> Entry:
        return records.parse_as(Entry, self.blocks[cid])

    def draft(self, key: Pen, record: records.Record, time: str = "2026-11-23T12:00:00Z") -> Entry:
        """The next entry, signed by ``key``."""
        made = Entry(
            v=1 if self.authority is None else 2,
            issuer=self.issuer,
            key=key.public_key,
            authority=self.authority,
            seq=len(self.cids),
            prev=bytes(self.cids[-1]) if self.cids else None,
            log=bytes(self.cids[0]) if self.cids else None,
            record=self.put(record),
            issued_at=time,
            alg=log.ALG,
            signature=b"",
        )
        return msgspec.structs.replace(made, signature=key.sign(signing_bytes(made)))

    def say(self, key: Pen, record: records.Record, time: str = "2026-11-23T12:00:00Z") -> CID:
        self.cids.append(self.put(self.draft(key, record, time)))
        return self.cids[-1]

    def change(
        self, signer: Pen, new: Pen | None, *, recovery: str | None = None, revoked_from: int | None = None
    ) -> CID:
        """Append a keys entry; entries from now on rest on it."""
        said = keys(self, new, recovery=recovery, revoked_from=revoked_from)
        self.authority = self.say(signer, said)
        return self.authority


def keys(book: Book, new: Pen | None, *, recovery: str | None = None, revoked_from: int | None = None) -> Keys:
    """The record of a handover at the end of a log, with the new key's proof."""
    said = Keys(successor=None if new is None else did(new), proof=None, revoked_from=revoked_from, recovery=recovery)
    if new is None:
        return said
    first, last = bytes(book.cids[0]), bytes(book.cids[-1])
    return msgspec.structs.replace(said, proof=prove(new, book.issuer, first, last, len(book.cids), said))
