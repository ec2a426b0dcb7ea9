"""Reads what a chain's node answers, and refuses what contradicts the question: its own words can't be believed.

Invariants: a hash has 32 bytes, a number is one of at most 63 bits, a receipt and an event are of what was asked for.
What can't be read raises ``ValueError``, ``TypeError`` or ``KeyError``, for the caller to translate; a contradiction is
``Untrusted`` (``node_lies``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from registry.core.errors import Unavailable, Untrusted
from registry.provenance.anchors.sending import Place, Receipt

MOST_BASE_FEE = 10**13  # wei a unit of gas: an anchor at this price costs about half an ether
WAY_OUT = "set EMOTIONET_CHAIN_RPC to a node that you trust: nothing is lost."


def lie(what: str) -> Untrusted:
    """A contradiction that no honest node gives."""
    return Untrusted(f"the chain's node {what}", code="node_lies", hint=WAY_OUT)


def hexed(value: bytes) -> str:
    """0x-prefixed digits."""
    return "0x" + bytes(value).hex()


def hash_in(value: bytes) -> str:
    """A hash of 32 bytes."""
    if len(value) != 32:
        raise ValueError(f"a hash of {len(value)} bytes")
    return hexed(value)


def number_in(value: Any) -> int:
    """A count, a number of a block, or unix seconds."""
    number = int(value)
    if not 0 <= number < 1 << 63:
        raise ValueError(number)
    return number


def wei_in(value: Any) -> int:
    """An amount: a word of the machine."""
    number = int(value)
    if not 0 <= number < 1 << 256:
        raise ValueError(number)
    return number


def base_fee_in(block: Mapping[str, Any]) -> int:
    """A block's, 0 before London. ``Unavailable`` (``base_fee``) where it is more than any anchor is worth: a node
    that invents fees would have this key offer its means to whoever makes the blocks."""
    fee = wei_in(block.get("baseFeePerGas", 0))
    if fee > MOST_BASE_FEE:
        raise Unavailable(
            f"the chain's node asks for {fee} wei a unit of gas, and this program pays {MOST_BASE_FEE} at most",
            code="base_fee",
            hint="ask another node, or wait until the chain is less busy.",
        )
    return fee


def time_in(seconds: int) -> str:
    """A block's time in RFC 3339. ``Unavailable`` for one that no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError) as error:
        raise Unavailable(
            f"the chain's node gives the invalid time {seconds} for a block", hint="ask another node."
        ) from error


def place_in(answer: Any) -> Place:
    """Where a receipt or an event says that its transaction was mined."""
    number = number_in(answer["blockNumber"])
    return Place(hash_in(answer["transactionHash"]), number, hash_in(answer["blockHash"]))


def receipt_in(answer: Any, transaction: str) -> Receipt:
    """The receipt of a transaction, and of no other."""
    place, made = place_in(answer), answer["contractAddress"]
    if place.transaction != transaction:
        raise lie(f"answers with the receipt of {place.transaction}, asked for that of {transaction}")
    return Receipt(place, bool(answer["status"]), answer["from"].lower(), made.lower() if made else None)


def digest_in(event: Any, contract: str, publisher: str, wanted: bytes | None = None) -> bytes:
    """What an event says was anchored, by this publisher in this contract."""
    said = event["args"]
    found = (event["address"].lower(), said["publisher"].lower())
    digest = bytes(said["digest"])
    if found != (contract.lower(), publisher.lower()) or wanted not in (None, digest):
        raise lie(f"tells of another anchor than it was asked for: by {found[1]} in {found[0]}")
    return digest
