"""A development chain: start anvil, give an address something to pay with, mine. For tests and CI only.

``python -m tests.support.anchors.chain RPC ISSUER`` waits until the chain answers and funds a did:pkh or an address.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
import urllib.request
from typing import Any

ETHER = 10**18


def rpc(url: str, method: str, *parameters: Any) -> Any:
    """One JSON-RPC call; ``RuntimeError`` with what the node said."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        said = json.load(answer)
    if "error" in said:
        raise RuntimeError(f"{method}: {said['error']}")
    return said["result"]


def wait_until_it_answers(url: str, seconds: float = 30.0) -> None:
    """Until the node tells its chain's id."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            rpc(url, "eth_chainId")
            return
        time.sleep(0.05)
    raise RuntimeError(f"{url} does not answer after {seconds} s")


def fund(url: str, address: str) -> None:
    """Give an address of a development chain 100 ether."""
    rpc(url, "anvil_setBalance", address, hex(100 * ETHER))


def mine(url: str, blocks: int = 1) -> None:
    """Mine empty blocks."""
    rpc(url, "anvil_mine", hex(blocks))


if __name__ == "__main__":
    wait_until_it_answers(sys.argv[1])
    fund(sys.argv[1], sys.argv[2].rsplit(":", 1)[-1])
