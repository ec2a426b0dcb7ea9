"""Timestamps by OpenTimestamps: the digest is in the Merkle root of a block of Bitcoin.

Source: opentimestamps.org, the format in ``ots_format``; Bitcoin's header: 80 bytes, of which 36 to 68 are the Merkle
root and 68 to 72 the time (developer.bitcoin.org/reference/block_chain.html). Headers come from the auditor. A block's
time may be wrong by two hours (Bitcoin's own rules). A calendar's promise alone shows nothing.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from registry.core import records
from registry.core.errors import Untrusted
from registry.core.ipld.cid import CID
from registry.core.log import anchor_digest
from registry.provenance.evidence.ots_format import Timestamp, bad, read_file
from registry.provenance.evidence.shown import NoTrustRoot, Shown, Trust

KIND = "opentimestamps"
CHAIN = "bip122:000000000019d6689c085ae165831e93"  # CAIP-2 of Bitcoin
MAX_SIZE = 32 * 1024  # bytes of a proof; usually below 2,000
HEADER_SIZE = 80
WITHIN = 7200  # seconds by which a block's time may be wrong


def verify(evidence: records.Evidence, trust: Trust) -> Shown:
    """The entry was there when the block was made that the proof leads to."""
    if not evidence.proof or len(evidence.proof) > MAX_SIZE:
        raise bad("the evidence has no proof, or too large a one")
    entry = CID.decode(evidence.entry)
    timestamp = read_file(evidence.proof)
    if timestamp.message != anchor_digest(entry):
        raise Untrusted("the timestamp is of something else", code="other_digest")
    stated = evidence.statement.get("height")
    blocks = blocks_of(timestamp)
    if not blocks and stated is None:
        raise NoTrustRoot("a calendar only promised to put it into Bitcoin: the proof was never completed")
    if type(stated) is not int or stated not in blocks or evidence.statement != statement(evidence, stated):
        raise Untrusted("the evidence states something else than its proof", code="bad_evidence")
    header = trust.header(stated)
    if header is None:
        raise NoTrustRoot(f"no trust root for Bitcoin: the header of block {stated} is not at hand")
    time = time_of(header, blocks[stated], stated)
    if evidence.statement["time"] not in (None, time):
        raise Untrusted(f"the evidence states another time than block {stated} of Bitcoin", code="bad_evidence")
    return Shown(kind=KIND, entry=entry, by=f"block {stated} of Bitcoin", time=time, within=WITHIN)


def statement(evidence: records.Evidence, height: int) -> dict[str, Any]:
    """The statement with exactly the fields that it must have, chain and height as they are."""
    calendar, time = evidence.statement.get("calendar"), evidence.time
    return {"calendar": calendar if isinstance(calendar, str) else "", "chain": CHAIN, "height": height, "time": time}


def blocks_of(timestamp: Timestamp) -> dict[int, bytes]:
    """The Merkle root that each block of Bitcoin must have, by its height."""
    found: dict[int, bytes] = {}
    for node, one in timestamp.all():
        height = one.height
        if height is not None and found.setdefault(height, node.message) != node.message:
            raise bad(f"the proof leads to two different blocks {height}")
    return found


def time_of(header: bytes, root: bytes, height: int) -> str:
    """The time of a block. ``Untrusted`` unless its header has this Merkle root and meets its own target."""
    if header[36:68] != root:
        raise Untrusted(f"block {height} of Bitcoin does not hold this timestamp", code="other_block")
    exponent, target = header[75], int.from_bytes(header[72:75], "little")
    work = int.from_bytes(hashlib.sha256(hashlib.sha256(header).digest()).digest(), "little")
    if len(header) != HEADER_SIZE or exponent > 32 or work > target << 8 * max(exponent - 3, 0):
        raise Untrusted(f"what was given as block {height} is no header of Bitcoin", code="bad_header")
    return datetime.fromtimestamp(int.from_bytes(header[68:72], "little"), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
