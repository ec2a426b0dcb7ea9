"""Somebody's wallet: rows signed as a page would have them signed, without the registry's own encoder of typed data."""

from __future__ import annotations

import hashlib
from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from msgspec.structs import asdict, replace

from registry.core.issuers import did_of
from registry.core.labeling import row_signature
from registry.core.labeling.labeled_row import MAPS, TEXTS, LabeledRow

WALLET = Account.from_key(hashlib.sha256(b"a wallet of these tests").digest())
OTHER = Account.from_key(hashlib.sha256(b"another wallet").digest())
DID = did_of(WALLET.address)
_KINDS = {"size": "uint64", "sha256": "bytes32", "boxes": "Box[]", "cid": "bytes", "replaces": "bytes"}


def typed(row: LabeledRow) -> dict[str, Any]:
    """The row as a page hands it to a wallet."""
    message = {name: value for name, value in asdict(row).items() if name != "signature"}
    message |= {name: message[name] or "" for name in TEXTS}
    message |= {name: [{"name": key, "value": message[name][key]} for key in sorted(message[name])] for name in MAPS}
    message["boxes"] = [dict(zip(("x", "y", "width", "height"), box, strict=True)) for box in row.boxes]
    message["replaces"] = row.replaces or b""
    kinds = _KINDS | dict.fromkeys(MAPS, "Text[]")
    columns = row_signature.signed_columns()
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": "string"} for name in ("name", "version")],
            "LabeledRow": [{"name": name, "type": kinds.get(name, "string")} for name in columns],
            "Box": [{"name": name, "type": "int64"} for name in ("x", "y", "width", "height")],
            "Text": [{"name": name, "type": "string"} for name in ("name", "value")],
        },
        "primaryType": "LabeledRow",
        "domain": {"name": "Emotionet", "version": "1"},
        "message": message,
    }


def signature(row: LabeledRow, wallet: Any = WALLET) -> str:
    """As a wallet gives it: 0x and 130 hex digits, v 27 or 28."""
    made = wallet.sign_message(encode_typed_data(full_message=typed(row)))
    return f"0x{made.signature.hex().removeprefix('0x')}"


def signed(row: LabeledRow, wallet: Any = WALLET) -> LabeledRow:
    """The row with its signature."""
    return replace(row, signature=row_signature.parse(signature(row, wallet)))
