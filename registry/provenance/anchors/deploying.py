"""Deploys the anchor contract where it lies on every chain: CREATE2 (EIP-1014) by the usual deterministic-deployment
proxy, whose address follows from its keyless transaction (Nick's method), so it too is the same everywhere.

Sources: EIP-1014; github.com/Arachnid/deterministic-deployment-proxy, whose transaction ``PROXY_TRANSACTION`` is. A
chain without the proxy is given it: its deployer is paid ``PROXY_COST`` from the publishing key, once the chain has
said that nothing else is missing. Invariant: what is deployed already is never deployed again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

import contracts_abi
from registry.core.errors import Conflict, Unavailable
from registry.core.evm_state import keccak
from registry.provenance.anchors import sending
from registry.provenance.anchors.sending import Sending

PROXY = "0x4e59b44847b379578588920ca78fbf26c0b4956c"
PROXY_CODE = (
    "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
)
PROXY_DEPLOYER = "0x3fab184622dc19b6109349b94811493bf2a45362"
PROXY_TRANSACTION = bytes.fromhex(
    "f8a58085174876e800830186a08080b853604580600e600039806000f350fe"
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
    "1ba02222222222222222222222222222222222222222222222222222222222222222"
    "a02222222222222222222222222222222222222222222222222222222222222222"
)
PROXY_COST = 10**16  # wei: 100,000 gas at 100 gwei, as the keyless transaction says
SALT = bytes(32)
SECONDS, POLL_SECONDS = 120.0, 0.2
GAS, TRANSFER_GAS = 400_000, 50_000  # the contract takes about 160,000
DEPLOY, PAY = "deploy", "pay for the proxy"


class Node(sending.Node, Protocol):
    """What deploying asks of a chain's node beyond sending."""

    def code(self, address: str) -> str:
        """What lies at an address; 0x where nothing does."""
        ...


def contract_address() -> str:
    """Where the anchor contract lies on every chain that it is deployed to, lower-case."""
    code = keccak(bytes.fromhex(contracts_abi.bytecode()[2:]))
    return "0x" + keccak(b"\xff" + bytes.fromhex(PROXY[2:]) + SALT + code)[12:].hex()


def deploy(node: Node, sender: Sending) -> str:
    """The contract's address, once it lies there. ``Conflict``: ``no_gas``, ``deploy_failed``. ``Unavailable`` if no
    block takes it; then ask again."""
    address = contract_address()
    if _is_there(node, address, contracts_abi.deployed_bytecode()):
        return address
    sender.resend_pending()
    if not _is_there(node, PROXY, PROXY_CODE):
        _deploy_proxy(node, sender)
    code = SALT + bytes.fromhex(contracts_abi.bytecode()[2:])
    there = partial(_is_there, node, address, contracts_abi.deployed_bytecode())
    _send_until(there, node, sender, f"{DEPLOY}:{address}", PROXY, code)
    return address


def _is_there(node: Node, address: str, code: str) -> bool:
    """Whether this code lies there. ``Conflict`` (``deploy_failed``) where other code does."""
    found = node.code(address)
    if found not in {"0x", code}:
        raise _failed(f"there is other code at {address}")
    return found == code


def _deploy_proxy(node: Node, sender: Sending) -> None:
    there = partial(_is_there, node, PROXY, PROXY_CODE)

    def paid() -> bool:
        return node.balance(PROXY_DEPLOYER) >= PROXY_COST or there()

    if not paid():
        try:
            node.send(PROXY_TRANSACTION)  # a chain that takes no such transaction says so before it is paid for
        except Conflict:
            pass  # its sender has too little: nothing else is wrong
        except Unavailable as error:
            raise _failed(f"the chain has no proxy at {PROXY} and does not take it") from error
        _send_until(paid, node, sender, f"{PAY}:{PROXY}", PROXY_DEPLOYER, b"", PROXY_COST)
    until = time.monotonic() + SECONDS
    while not there():
        node.send(PROXY_TRANSACTION)
        if time.monotonic() > until:
            raise Unavailable("no block has taken the proxy yet", hint="try again, it is not paid for twice.")
        time.sleep(POLL_SECONDS)


def _send_until(
    done: Callable[[], bool], node: Node, sender: Sending, purpose: str, to: str, data: bytes, value: int = 0
) -> None:
    """Send a transaction, and wait until what it is to do is done."""
    until = time.monotonic() + SECONDS
    gas = TRANSFER_GAS if value else GAS
    while not done():
        sent = sender.signed_transactions(purpose)
        if any(receipt and not receipt.done for receipt in (node.receipt(one.transaction) for one in sent)):
            if not done():  # another home may have been quicker
                raise _failed("the chain refused the contract: is its EVM older than Cancun?")
        elif not sender.can_be_mined(purpose):
            sender.send(purpose, to, data, gas, needed=lambda: not done(), value=value)
        elif time.monotonic() > until:
            raise Unavailable("no block has taken the contract yet", hint="try again, it is not deployed twice.")
        else:
            time.sleep(POLL_SECONDS)


def _failed(said: str) -> Conflict:
    return Conflict(
        said, code="deploy_failed", hint="deploy contracts_abi/Anchor.json another way, and name its address."
    )
