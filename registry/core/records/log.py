"""Who says it: issuer and keys, the entries of a log, and the evidence of their anchors.

Invariant: an entry links to its record and names the entry before it; evidence is unsigned and checked against what it
states.
"""

from __future__ import annotations

from registry.core.ipld.cid import CID
from registry.core.records.base import Record


class Issuer(Record, frozen=True, kw_only=True, tag="issuer"):
    """First record of every log: which chains (CAIP-2) and contracts count. ``journal`` is no chain."""

    chains: tuple[tuple[str, str], ...]  # (CAIP-2, contract address)


class Keys(Record, frozen=True, kw_only=True, tag="keys"):
    """Rotation to another key (``successor`` signed over this record's other fields by the new one) or revocation."""

    successor: str | None
    proof: bytes | None
    revoked_from: int | None


class Entry(Record, frozen=True, kw_only=True, tag="entry"):
    """Who says a record, and in which order. See ``registry.core.log`` for what is signed."""

    issuer: str  # did:pkh:eip155:1:0x<40 lower-case hex>
    key: bytes  # 33 bytes: the compressed public key (SEC 1, 2.3.3), whose address is the issuer's
    seq: int
    prev: bytes | None  # named: CID bytes of the entry before; None in the first
    log: bytes | None  # named: CID bytes of the log's first entry; None in the first
    record: CID
    issued_at: str
    alg: str
    signature: bytes  # 64 bytes r || s


class Evidence(Record, frozen=True, kw_only=True, tag="evidence"):
    """What a chain answered about an entry's anchor; unsigned, checked against the chain."""

    entry: bytes  # named: the anchored entry, newest of its log
    chain: str
    contract: str
    transaction: str
    block_hash: str
    block_number: int
    time: str
    proof: bytes | None = None
