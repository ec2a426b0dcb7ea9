"""Who says it: issuer and keys, the entries of a log, and the evidence of their anchors.

Invariant: an entry links to its record and names the entry before it; evidence is unsigned and checked against what it
states.
"""

from __future__ import annotations

from typing import Any

import msgspec

from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.records.base import Part, Record, is_time


class Issuer(Record, frozen=True, kw_only=True, tag="issuer"):
    """First record of every log: which chains (CAIP-2) and contracts count. ``journal`` is no chain."""

    chains: tuple[tuple[str, str], ...]  # CAIP-2, lower-case 0x address of the contract; none for a journal alone


class Keys(Record, frozen=True, kw_only=True, tag="keys"):
    """Hands a log to another key, revokes keys, names a recovery key, or closes the log (``registry.core.keys``)."""

    v: int = 2  # version 1 had no recovery
    successor: str | None  # did:pkh of the key that signs from now on, which may be the same; None: the log is closed
    proof: bytes | None  # the successor's public key and signature; None exactly where there is no successor
    revoked_from: int | None  # from this seq on only entries of the successor count; None where nothing is revoked
    recovery: str | None  # did:pkh of a key that may hand the log over too; None: as before


class Entry(Record, frozen=True, kw_only=True, tag="entry"):
    """Who says a record, and in which order. See ``registry.core.keys`` for what is signed, and by whom."""

    v: int = 2  # version 1 had no authority; an entry that has none is still written as that
    issuer: str  # did:pkh:eip155:1:0x<40 lower-case hex>: of the key that opened the log
    key: bytes  # 33 bytes: the signer's compressed public key (SEC 1, 2.3.3)
    authority: CID | None  # the newest keys entry before this one; None where no key was changed yet
    seq: int  # place in the log, from 0
    prev: bytes | None  # named: CID bytes of the entry before; None in the first
    log: bytes | None  # named: CID bytes of the log's first entry; None in the first
    record: CID  # what is said
    issued_at: str  # by the issuer's clock
    alg: str  # "dsse-es256k"
    signature: bytes  # 64 bytes r || s


class Block(Part, frozen=True, kw_only=True):
    """A block of an EVM chain in which an anchor lies."""

    chain: str  # CAIP-2
    contract: str  # lower-case 0x address
    transaction: str  # 0x and 64 hex digits, as is the block's hash
    block_number: int
    block_hash: str
    time: str  # of the block

    @property
    def place(self) -> tuple[str, str, str, int, str, str]:
        """All of it: two anchors are the same exactly where this is equal."""
        return self.chain, self.contract, self.transaction, self.block_number, self.block_hash, self.time


EVM = "evm"
WITNESS = "witness"  # a tlog-proof: the entry is in a tree that its issuer, and perhaps witnesses, signed
EVIDENCE_KINDS = (EVM, "rfc3161", "opentimestamps", WITNESS)  # of version 1 of evidence


class Evidence(Record, frozen=True, kw_only=True, tag="evidence"):
    """What shows when an entry was there: a statement, and the proof that goes with it. Unsigned.

    ``kind``: ``evm`` (``statement`` is a ``Block``; ``proof`` shows the contract's storage under that block's header,
    to whoever trusts the block's hash, and where it is None the chain is asked), ``rfc3161``, ``opentimestamps`` or
    ``witness``; another one is another version. ``proof``: bytes that can be verified offline, given a trust root that
    the auditor chose; None where there are none.
    """

    entry: bytes  # named: the anchored entry, newest of its log
    kind: str  # evm, rfc3161, opentimestamps, witness
    statement: dict[str, Any]  # of kind evm exactly the fields of Block
    proof: bytes | None  # bytes that can be verified offline; None if there are none

    def __post_init__(self) -> None:
        if self.kind not in EVIDENCE_KINDS:
            raise InvalidInput(f"malformed evidence: {self.kind[:40]!r} is no kind of it", code="malformed_record")
        if self.kind == EVM:
            self._block()

    @property
    def time(self) -> str | None:
        """When it says that the entry was there; None where it states no time as records write it."""
        stated = self.statement.get("time")
        return stated if isinstance(stated, str) and is_time(stated) else None

    @property
    def block(self) -> Block | None:
        """The block that evidence of kind ``evm`` states; None of any other kind."""
        return self._block() if self.kind == EVM else None

    def _block(self) -> Block:
        try:
            return msgspec.convert(self.statement, Block, strict=True)
        except msgspec.ValidationError as error:
            raise InvalidInput(f"malformed evidence of kind {EVM}: {error}", code="malformed_record") from error
