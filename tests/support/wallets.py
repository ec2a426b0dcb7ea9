"""Wallets that sign as people's do: by eth-account, which our own code reads signatures with and never makes one."""

from __future__ import annotations

from typing import Any

from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def wallet(number: int = 1) -> LocalAccount:
    """Always the same for a number."""
    made: LocalAccount = Account.from_key(number.to_bytes(32, "big"))
    return made


def personal_sign(account: LocalAccount, text: str) -> str:
    """As a browser's wallet gives it."""
    return "0x" + bytes(account.sign_message(encode_defunct(text=text)).signature).hex()


def other_form(signature: str) -> str:
    """The same signature with the higher s, which verifies too where nobody refuses it."""
    data = bytes.fromhex(signature[2:])
    s = ORDER - int.from_bytes(data[32:64], "big")
    return "0x" + (data[:32] + s.to_bytes(32, "big") + bytes([55 - data[64]])).hex()


def message_of(terms: dict[str, Any], address: str, issued: str, **more: str) -> str:
    """A message as a library writes it of what the server demands; ``more`` are optional lines in the EIP's order."""
    lines = [
        f"{terms['domain']} wants you to sign in with your Ethereum account:",
        address,
        "",
        terms["statement"],
        "",
        f"URI: {terms['uri']}",
        f"Version: {terms['version']}",
        f"Chain ID: {terms['chain_id']}",
        f"Nonce: {terms['nonce']}",
        f"Issued At: {issued}",
        *(f"{name.replace('_', ' ')}: {value}" for name, value in more.items()),
    ]
    return "\n".join(lines)
