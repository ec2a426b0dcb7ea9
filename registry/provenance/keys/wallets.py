"""Signatures that wallets make of texts (EIP-191), and addresses as wallets write them (EIP-55).

Invariant: a signature has one form: 65 bytes, r || s || v with low s; the same as of a signed row, so that nobody can
make a second one out of it.
"""

from __future__ import annotations

from registry.core.errors import InvalidInput, Untrusted
from registry.core.labeling import row_signature


def checked_address(text: str) -> str:
    """An address with EIP-55's capitals, in lower case. ``InvalidInput`` where its capitals are wrong, or missing."""
    from eth_utils.address import is_checksum_address

    if not is_checksum_address(text):
        hint = "copy the address out of the wallet."
        raise InvalidInput(f"{text} is not written as EIP-55 says", code="bad_address", hint=hint)
    return text.lower()


def with_capitals(address: str) -> str:
    """An address of any case with EIP-55's capitals."""
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(address))


def signer_of(text: str, signature: str) -> str:
    """The lower-case address whose key signed ``text``. ``Untrusted`` (``bad_signature``) for no signature."""
    from eth_account import Account
    from eth_account.messages import encode_defunct

    try:
        data = row_signature.parse(signature)
        plain = data[:64] + bytes([data[64] + 27])
        found = str(Account.recover_message(encode_defunct(text=text), signature=plain))
    except Exception as error:  # eth_account and what it rests on have no common class of errors
        raise Untrusted(
            "the signature is none that a wallet makes of this message",
            code="bad_signature",
            hint="sign the message as it stands, with personal_sign.",
        ) from error
    return found.lower()
