"""`python -m bench gas [RPC]`: what the contract costs, in gas, on py-evm and on the development chain at RPC (anvil).

Gas is counted by the EVM's rules, so every chain with the same rules charges the same; what a unit costs is the
chain's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from coincurve import PrivateKey
from web3 import EthereumTesterProvider, HTTPProvider, Web3
from web3.providers import BaseProvider

from registry.provenance.anchors.chain import Chain
from registry.provenance.anchors.ethereum import Web3Node
from registry.provenance.keys.keys import Key
from tests.support.anchors.chain import fund
from tests.support.anchors.outbox import MemoryOutbox

MOST = 47_000  # gas that an anchor may take
TRIES = 10


def costs(provider: BaseProvider) -> tuple[list[int], dict[str, int]]:
    """Gas of each of ``TRIES`` anchors, and of what deploying sent, by purpose."""
    outbox, key = MemoryOutbox(), Key(PrivateKey(b"\1" * 32), Path("none"), created=False)
    web3, chain = Web3(provider), Chain(Web3Node(provider), None, lambda: key, outbox)
    if isinstance(provider, HTTPProvider):
        fund(str(provider.endpoint_uri), key.address)
    else:
        web3.eth.send_transaction(
            {"from": web3.eth.accounts[0], "to": Web3.to_checksum_address(key.address), "value": 10**18}
        )
    chain.deploy()
    for number in range(TRIES):
        digest = hashlib.sha256(b"%d" % number).digest()
        chain.submit(digest)
        chain.wait(digest, 60)
    used = [
        (row.purpose, int(web3.eth.get_transaction_receipt(row.transaction)["gasUsed"]))
        for row in outbox.rows(chain.chain, key.address)
    ]
    anchors = [gas for purpose, gas in used if purpose.startswith("0x")]
    return anchors, {purpose.partition(":")[0]: gas for purpose, gas in used if not purpose.startswith("0x")}


def main(given: Sequence[str] = ()) -> None:
    """Print the table; an error where an anchor takes more than ``MOST``."""
    places: dict[str, BaseProvider] = {"py-evm": EthereumTesterProvider()}
    if given:
        places["anvil"] = HTTPProvider(given[0])
    worst = 0
    for name, provider in places.items():
        anchors, others = costs(provider)
        worst = max(worst, *anchors)
        print(f"{name:8} anchor {min(anchors):,} to {max(anchors):,} gas (at most {MOST:,})")
        for what, gas in others.items():
            print(f"{name:8} {what} {gas:,} gas")
    if worst > MOST:
        raise SystemExit(f"an anchor takes {worst:,} gas")
