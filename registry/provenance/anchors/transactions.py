"""Signing a chain's transactions (EIP-1559): values in, values out, nothing is sent. A key elsewhere is asked to.

Invariants: a fee bump says the same again under the same nonce and differs in its fees alone; it offers at
least an eighth more than before, because nodes refuse a replacement that offers less than a tenth more.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes

from registry.core.evm_state import keccak
from registry.provenance.anchors.outbox import Sent

sys.setrecursionlimit(1000)  # Python's own: py_ecc raises it a hundredfold, and hostile nesting would kill us

ANCHOR = bytes.fromhex("eecdf927")  # what a call of anchor(bytes32) begins with; the digest follows
TIP = 1_000_000_000  # wei a unit of gas, for the block's proposer


class PrivateKey(Protocol):
    """A key that is at hand, and signs transactions."""

    @property
    def address(self) -> str: ...
    def private_bytes(self) -> bytes: ...


@runtime_checkable
class KeyElsewhere(Protocol):
    """A key that another machine holds: it gives exactly what it was asked to sign, or raises."""

    @property
    def address(self) -> str: ...
    def sign_transaction(self, fields: Mapping[str, Any]) -> bytes: ...


TransactionKey = PrivateKey | KeyElsewhere


@dataclass(frozen=True)
class Fees:
    """Wei a unit of gas: the most that is paid, and the block proposer's share of it."""

    most: int
    tip: int = TIP


def fees_for(base: int) -> Fees:
    """Fees that hold while a block's base fee, ``base`` wei now, doubles (six full blocks)."""
    return Fees(2 * base + TIP)


def sign(
    key: TransactionKey,
    purpose: str,
    *,
    chain: str,
    nonce: int,
    fees: Fees,
    gas: int,
    to: str,
    data: bytes,
    value: int = 0,
) -> Sent:
    """A signed transaction. ``chain``: CAIP-2 of an EVM chain; ``value``: wei."""
    fields: dict[str, Any] = {
        "type": 2,
        "chainId": int(chain.removeprefix("eip155:")),
        "nonce": nonce,
        "gas": gas,
        "value": value,
        "to": bytes.fromhex(to[2:]),
        "data": data,
        "maxFeePerGas": fees.most,
        "maxPriorityFeePerGas": fees.tip,
    }
    return _signed(key, purpose, chain, fields)


def bumped(key: TransactionKey, sent: Sent, fees: Fees) -> Sent:
    """The same transaction with better fees: ``fees``, or an eighth more than before if that is more."""
    fields = _said(sent)
    fields["maxFeePerGas"] = max(fees.most, fields["maxFeePerGas"] * 9 // 8 + 1)
    fields["maxPriorityFeePerGas"] = max(fees.tip, fields["maxPriorityFeePerGas"] * 9 // 8 + 1)
    fields["maxFeePerGas"] = max(fields["maxFeePerGas"], fields["maxPriorityFeePerGas"])
    return _signed(key, sent.purpose, sent.chain, fields)


def most_paid(sent: Sent) -> int:
    """Wei a unit of gas that a kept transaction pays at most: no block with a higher base fee takes it."""
    return int(_said(sent)["maxFeePerGas"])


def _said(sent: Sent) -> dict[str, Any]:
    fields = TypedTransaction.from_bytes(HexBytes(sent.raw)).as_dict()
    return {name: value for name, value in fields.items() if name not in {"v", "r", "s"} and value != b""}


def _signed(key: TransactionKey, purpose: str, chain: str, fields: dict[str, Any]) -> Sent:
    if isinstance(key, KeyElsewhere):
        raw = key.sign_transaction(fields)
    else:
        raw = bytes(Account.sign_transaction(fields, key.private_bytes()).raw_transaction)
    return Sent(
        chain=chain,
        sender=key.address,
        purpose=purpose,
        nonce=int(fields["nonce"]),
        transaction="0x" + keccak(raw).hex(),
        raw="0x" + raw.hex(),
    )
