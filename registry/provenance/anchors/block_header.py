"""A block's header in RLP, from what nodes answer at ``eth_getBlockByNumber``.

Source: the Yellow Paper, 4.4; EIP-1559, 4895, 4844, 4788, 7685 and 7928 for what later forks append. A chain whose
headers are made in another way gives another hash, which whoever uses the bytes compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HASHED = ("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom")
NUMBERS = ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")
SINCE = (
    ("baseFeePerGas", True),
    ("withdrawalsRoot", False),
    ("blobGasUsed", True),
    ("excessBlobGas", True),
    ("parentBeaconBlockRoot", False),
    ("requestsHash", False),
    ("blockAccessListHash", False),
)  # and whether it is a number


def encoded(block: Mapping[str, Any]) -> bytes:
    """The header's bytes. ``KeyError``, ``ValueError`` or ``TypeError`` for an answer that is none."""
    import rlp

    fields = [unhex(block[name]) for name in HASHED]
    fields += [_number(block[name]) for name in NUMBERS]
    fields += [unhex(block[name]) for name in ("extraData", "mixHash", "nonce")]
    fields += [(_number if counts else unhex)(block[name]) for name, counts in SINCE if block.get(name) is not None]
    return bytes(rlp.encode(fields))


def unhex(text: str) -> bytes:
    """The bytes of 0x-prefixed digits."""
    return bytes.fromhex(text.removeprefix("0x"))


def _number(text: str) -> bytes:
    value = int(text, 16)
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
