"""The halves of evidence of two histories: read, checked, and what each says of its log.

Invariant: what is told was signed by the issuer. Roots over a run of entries are the same in every tree with these
entries, whatever its size (RFC 6962, 2.1), so two halves that know different ones of one run exclude each other.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from registry.core import log, records
from registry.core.errors import InvalidInput, NotFound, Untrusted
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.ipld.dag import Get
from registry.core.issuers import address_of
from registry.core.keys.authority import MOST as MOST_CHANGES
from registry.core.keys.authority import after, change_of, force_before
from registry.core.records import Entry
from registry.core.tlog import issuer_log, merkle
from registry.core.tlog.issuer_log import MaySign
from registry.core.tlog.proof import read_proof

MOST_BESIDE = 2 * MOST_CHANGES  # an entry and a record for each change of keys
Known = Mapping[tuple[int, int], bytes]  # by (first entry, number of entries) the Merkle root over them

One = TypeVar("One")


class Kept:
    """Reads blocks, and keeps those that were read; ``handovers``: changes of keys that are kept in any case."""

    def __init__(self, get: Get, handovers: Iterable[bytes] = ()) -> None:
        self._get, self._read = get, {cid_of(data, DAG_CBOR): data for data in handovers}

    def __call__(self, cid: CID) -> bytes:
        if cid not in self._read:
            self._read[cid] = self._get(cid)
        return self._read[cid]

    @property
    def so_far(self) -> Beside:
        """What was kept."""
        return Beside(self._read)

    def beside(self) -> dict[str, Any]:
        """The field that holds them, where there are any."""
        return {"beside": sorted(map(packed, self._read.values()))} if self._read else {}


@dataclass(frozen=True)
class Beside:
    """What a document holds beside its halves, to be read by CID, and which keys it shows to be of a log."""

    blocks: Mapping[CID, bytes]

    def __call__(self, cid: CID) -> bytes:
        return self.blocks[cid] if cid in self.blocks else log.nothing(cid)

    def may_sign(self, issuer: str, address: str) -> bool:
        """Whether a checkpoint may be signed by this key: the issuer's own, or one that took the log over by a change
        of keys that holds. Who was replaced may be told of, too: what it signed stays said."""
        return address == address_of(issuer) or any((issuer, address) == one[:2] for one in self._successors)

    def handovers(self, issuer: str) -> list[bytes]:
        """The blocks of an issuer's changes of keys that hold: each entry, and what it says."""
        return [self(cid) for whose, _, *both in self._successors for cid in both if whose == issuer]

    @cached_property
    def _successors(self) -> list[tuple[str, str, CID, CID]]:
        found = list[tuple[str, str, CID, CID]]()
        for cid, data in self.blocks.items():
            with suppress(InvalidInput, NotFound, Untrusted):  # a record, or what hands nothing over
                entry = records.parse_as(Entry, data)
                log.verify_entry(entry, self)
                said = change_of(cid, entry, records.parse_as(records.Keys, self(entry.record)))
                current = after(force_before(entry, self), said).current
                if current:
                    found.append((entry.issuer, address_of(current), cid, entry.record))
        return found


def reader(beside: object) -> Beside:
    """Reads what a document holds beside its halves."""
    if not isinstance(beside, list) or len(beside) > MOST_BESIDE or not all(isinstance(one, str) for one in beside):
        raise bad("what lies beside its halves is no list of blocks")
    return Beside({cid_of(data, DAG_CBOR): data for data in map(unpacked, beside)})


@dataclass(frozen=True)
class Told:
    """What a half says of its issuer's log: by (first entry, number of entries) their Merkle root."""

    issuer: str
    text: str
    known: Known


def known_by_entry(cid: CID, entry: Entry) -> Known:
    """What an entry says of its log: its own place, and the one before it."""
    before = {(entry.seq - 1, 1): merkle.leaf_hash(entry.prev)} if entry.prev else {}
    return {(entry.seq, 1): issuer_log.leaf(cid), **before}


def told(half: str, leaf: object, get: Get, may_sign: MaySign) -> Told:
    """What one half of a document says, its signature and proof checked."""
    if leaf is None:
        cid, entry = entry_half(unpacked(half), get)
        return Told(entry.issuer, f"entry {entry.seq} ({cid})", known_by_entry(cid, entry))
    if not isinstance(leaf, str):
        raise bad("it does not name the entry that a proof is of")
    cid, proof = CID.decode(unpacked(leaf)), read_proof(encoded(half))
    signed = issuer_log.included(encoded(half), cid, proof.index, may_sign)
    size = signed.checkpoint.size
    known = merkle.known_by_inclusion(issuer_log.leaf(cid), proof.index, size, proof.hashes)
    return Told(signed.issuer, f"a tree of {size} entries with {cid} as entry {proof.index}", known)


def contradiction(one: Known, two: Known) -> tuple[int, int] | None:
    """The smallest run of entries (first, number) of which two halves know different roots; None: none is known."""
    differ = [at for at in one.keys() & two.keys() if one[at] != two[at]]
    return min(differ, key=lambda at: (at[1], at[0]), default=None)


def first_contradiction(told: Iterable[tuple[One, Known]]) -> tuple[One, One, tuple[int, int]] | None:
    """Of what is said of one log the first two that exclude each other, and where they differ; None where all fits."""
    roots: dict[tuple[int, int], tuple[One, bytes]] = {}
    for one, known in told:
        for at in sorted(known, key=lambda at: (at[1], at[0])):
            other, root = roots.setdefault(at, (one, known[at]))
            if root != known[at]:
                return other, one, at
    return None


def entry_half(data: bytes, get: Get) -> tuple[CID, Entry]:
    """A half that is an entry, its signature checked."""
    cid = cid_of(data, DAG_CBOR)
    entry = records.parse_as(Entry, data)
    try:
        log.verify_entry(entry, get)
    except NotFound as error:
        raise bad("the changes of keys that an entry rests on are not beside it") from error
    return cid, entry


def packed(data: bytes) -> str:
    """Bytes as a document holds them."""
    return base64.b64encode(data).decode()


def unpacked(text: str) -> bytes:
    """The bytes again."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise bad("a half is no base64") from None


def encoded(text: str) -> bytes:
    """A half that is a note or a proof."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise bad("a half is no text") from None


def bad(why: str) -> InvalidInput:
    """The error of a document that is none."""
    return InvalidInput(f"this is no evidence of two histories: {why}", code="bad_equivocation")
