"""What `emotionet doctor` says of the chain: reachable, its id, the contract's code, what the key can pay, its signer.

Invariant: no key is made for it, and nothing is sent to the chain.
"""

from __future__ import annotations

from registry.core.errors import Conflict
from registry.core.issuers import address_of_key
from registry.provenance.keys import keys
from registry.workflows.parts import Parts


def chain_line(parts: Parts) -> str:
    """``Unavailable``, ``Untrusted`` (``contract_code``) or ``Conflict`` (``no_gas``, of the signer) name a problem."""
    settings = parts.settings
    if not settings.chain_rpc:
        return "none: EMOTIONET_CHAIN_RPC names no node"
    from registry.provenance.anchors.chain import Chain  # with the codecs of transactions, which take long to load

    found = parts.anchors
    if not isinstance(found, Chain):
        return "without EMOTIONET_CHAIN_CONTRACT nothing is anchored there"
    key = parts.key if settings.key is not None else keys.load(settings.home, settings.passphrase)
    if key is None:
        return f"{found.chain}; there is no key yet that could pay for an anchor"
    address = address_of_key(key.public_key)
    count = found.payable(address)
    if not count:
        raise Conflict(
            f"{address} has too little on {found.chain} to pay for an anchor",
            code="no_gas",
            hint="send it some of the chain's currency.",
        )
    more = "1,000 or more" if count >= 1000 else str(count)
    return f"{found.chain}, contract {found.contract}; {address} can pay for {more} anchors{_signer(parts, address)}"


def _signer(parts: Parts, address: str) -> str:
    if parts.settings.signer is None:
        return ""
    from registry.provenance.anchors.remote_signer import RemoteKey

    return f"; {RemoteKey(parts.settings.signer, address).check()} signs"
