"""Evidence of a chain's anchor that needs no chain: the contract's storage, up to a block whom the auditor trusts.

The proof is dag-cbor, ``{publisher, headers, account, storage}``: the address (20 bytes) whose anchor it is, headers in
RLP from the anchor's block on, each the parent of the next, and the nodes that ``eth_getProof`` (EIP-1186) gives of the
contract's account and of its slot for publisher and digest, in the state after the first of these blocks. It shows that
the contract kept the digest at the time of that block. The auditor trusts the hash of any of the blocks. Which
transaction did it the proof does not show.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import contracts_abi
from registry.core import records
from registry.core.errors import EmotionetError, Untrusted
from registry.core.evm_state import OTHER_STATE, Header, header_of, slot_of, storage_of, value_of
from registry.core.ipld.cid import CID
from registry.core.ipld.encoding import decode, encode
from registry.core.log import anchor_digest
from registry.provenance.evidence.shown import NoTrustRoot, Shown, Trust

KIND = records.EVM
MAX_SIZE = 256 * 1024  # bytes of a proof; of a large chain's state about 10,000
MAX_HEADERS = 256
_FIELDS = {"publisher", "headers", "account", "storage"}


def make_proof(publisher: str, header: bytes, account: list[bytes], storage: list[bytes]) -> bytes:
    """A proof of one block. ``publisher``: a 0x address."""
    who = bytes.fromhex(publisher.removeprefix("0x"))
    return encode({"publisher": who, "headers": [header], "account": account, "storage": storage})


def verify(evidence: records.Evidence, trust: Trust) -> Shown:
    """The entry was there at the time of its block, as anchored by ``publisher``: who that is, the caller compares."""
    block, entry = evidence.block, CID.decode(evidence.entry)
    if block is None or not evidence.proof:
        raise Untrusted("evidence of a chain's anchor has no proof", code="bad_proof")
    publisher, headers = _checked(evidence.proof, block, anchor_digest(entry))
    trusted = trust.blocks()
    if not any((block.chain, "0x" + one.hash.hex()) in trusted for one in headers):
        raise NoTrustRoot(f"block {block.block_hash} of {block.chain} is not among EMOTIONET_TRUSTED_BLOCKS or --block")
    by = f"block {block.block_number} of {block.chain}"
    return Shown(kind=KIND, entry=entry, by=by, time=block.time, publisher=publisher)


def check_proof(proof: bytes, block: records.Block, digest: bytes, publisher: str) -> None:
    """``Untrusted`` unless a proof shows what a block is said to hold; whether there is such a block it can't show.
    Its code is ``OTHER_STATE`` where the proof shows that the block holds no such anchor."""
    if _checked(proof, block, digest)[0] != publisher:
        raise Untrusted("the proof is of another publisher's anchor", code="bad_proof")


def _checked(proof: bytes, block: records.Block, digest: bytes) -> tuple[str, list[Header]]:
    """The publisher and the headers, once everything follows from the headers and is as the statement says."""
    said = _read(proof)
    headers = [header_of(one) for one in said["headers"]]
    first = headers[0]
    for one, other in pairwise(headers):
        if (other.parent, other.number) != (one.hash, one.number + 1):
            raise Untrusted("the proof's headers are no chain", code="bad_proof")
    stated = (block.block_number, block.block_hash, block.time)
    if (first.number, "0x" + first.hash.hex(), _time(first.time)) != stated:
        raise Untrusted("the evidence states another block than the one in its proof", code="bad_proof")
    code = bytes.fromhex(contracts_abi.deployed_bytecode()[2:])
    storage = storage_of(first.state, _address(block.contract), code, said["account"])
    if value_of(storage, slot_of(said["publisher"], digest), said["storage"]) != first.time:
        raise Untrusted("the contract says another time than its block", code=OTHER_STATE)
    return "0x" + said["publisher"].hex(), headers


def _address(text: str) -> bytes:
    if not re.fullmatch("0x[0-9a-f]{40}", text):
        raise Untrusted("the evidence states a contract that is no address", code="bad_proof")
    return bytes.fromhex(text[2:])


def _read(proof: bytes) -> dict[str, Any]:
    if len(proof) > MAX_SIZE:
        raise Untrusted(f"a proof of {len(proof)} bytes is too large", code="bad_proof")
    try:
        said = decode(proof)
    except EmotionetError as error:
        raise Untrusted("these bytes are no proof of a chain's state", code="bad_proof") from error
    if not isinstance(said, dict) or set(said) != _FIELDS:
        raise Untrusted("these bytes are no proof of a chain's state", code="bad_proof")
    lists = [said[name] for name in ("headers", "account", "storage")]
    well_made = all(isinstance(one, list) and all(isinstance(part, bytes) for part in one) for one in lists)
    if (
        not well_made
        or not lists[0]
        or not lists[1]
        or len(lists[0]) > MAX_HEADERS
        or not isinstance(said["publisher"], bytes)
    ):
        raise Untrusted("the proof's parts are of other types", code="bad_proof")
    if len(said["publisher"]) != 20:
        raise Untrusted("the proof's publisher is no address", code="bad_proof")
    return said


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError) as error:
        raise Untrusted("the block's time is none", code="bad_proof") from error
