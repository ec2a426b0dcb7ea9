"""Signatures of contract wallets (ERC-1271): the contract itself is asked, by a call that changes nothing.

Invariants: a contract's word counts on the chain alone that it was asked on: the same address may be somebody else's on
another. It is asked about the text as ``personal_sign`` digests it (EIP-191). A call that reverts, or that answers with
anything but the one value, is a no; a node that can't be reached is no answer (``Unavailable``).
"""

from __future__ import annotations

from typing import Protocol

from registry.core.errors import Conflict, InvalidInput

MAGIC = bytes.fromhex("1626ba7e")  # isValidSignature(bytes32,bytes), and what it answers for yes
LONGEST = 4096  # bytes of a signature


class Node(Protocol):
    """What is asked of a chain's node."""

    @property
    def chain(self) -> str:
        """CAIP-2."""
        ...

    def code(self, address: str) -> str:
        """What lies at an address; 0x where nothing does."""
        ...

    def ask(self, address: str, data: bytes) -> bytes | None:
        """What a contract answers to a call, as of the newest block; None where the call reverts."""
        ...


def signature_of(text: str) -> bytes:
    """A signature's bytes from hex. ``InvalidInput`` (``bad_signature``) for what is none, or is too long."""
    try:
        data = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        data = b""
    if not 0 < len(data) <= LONGEST:
        raise InvalidInput("the signature is no hex", code="bad_signature", hint=f"0x, and at most {LONGEST} bytes.")
    return data


def signed(node: Node, chain: int, address: str, text: str, signature: bytes) -> bool:
    """Whether a contract at ``address`` calls this its signature of ``text``.

    ``Conflict`` (``other_chain``) where the node is not of ``chain``.
    """
    from eth_account.messages import defunct_hash_message

    if node.chain != f"eip155:{chain}":
        raise Conflict(
            f"a contract wallet can't be asked here: wallets sign in on chain {chain}, the node is of {node.chain}",
            code="other_chain",
            hint="its operator sets EMOTIONET_CHAIN_RPC and EMOTIONET_SIGN_IN_CHAIN alike.",
        )
    if node.code(address) == "0x":
        return False
    answer = node.ask(address, _question(bytes(defunct_hash_message(text=text)), signature))
    return answer == MAGIC.ljust(32, b"\0")


def _question(digest: bytes, signature: bytes) -> bytes:
    """The call as the ABI writes it: the digest, where the bytes begin, how many they are, the bytes."""
    padded = signature.ljust(-(-len(signature) // 32) * 32, b"\0")
    return MAGIC + digest + (64).to_bytes(32, "big") + len(signature).to_bytes(32, "big") + padded
