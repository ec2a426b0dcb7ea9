"""A key that lies elsewhere and signs a chain's transactions over JSON-RPC, as web3signer does (eth_signTransaction).

Sources: ethereum.org, JSON-RPC API, eth_signTransaction, eth_accounts; go-ethereum answers {raw, tx}, others the raw
transaction alone. Invariants: what comes back is exactly what was asked for, signed by this address, or it is
``Untrusted`` and kept nowhere; ``SECONDS`` and ``LIMIT`` bytes are spent on an answer; nothing secret passes here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from registry.core.errors import Conflict, Untrusted
from registry.provenance.anchors.json_rpc import call
from registry.provenance.asking import host_of

SECONDS, LIMIT = 10.0, 64 * 1024
WAY_OUT = "check EMOTIONET_SIGNER and what it allows, then try again: nothing is lost."


class RemoteKey:
    """The account ``address`` (lower-case) of the signer at ``url``."""

    def __init__(self, url: str, address: str, seconds: float = SECONDS) -> None:
        self._name = f"the signer {host_of(url, 'EMOTIONET_SIGNER')}"
        self._url, self.address, self._seconds = url, address, seconds

    def sign_transaction(self, fields: Mapping[str, Any]) -> bytes:
        """The signed transaction's bytes. ``Conflict`` (``signer_refused``), ``Unavailable``, or ``Untrusted``
        (``signer_lies``)."""
        asked = {name: _hex(value) for name, value in fields.items()}
        found = self._asked("eth_signTransaction", {"from": self.address, **asked})
        text = found.get("raw") if isinstance(found, dict) else found
        try:
            raw = bytes.fromhex(str(text).removeprefix("0x"))
            said, sender = _read(raw)
        except Exception as error:  # the codecs of transactions raise from several unrelated trees
            raise Untrusted(
                f"{self._name} answers with something that is no transaction", code="signer_lies", hint=WAY_OUT
            ) from error
        if sender != self.address:
            raise Untrusted(f"{self._name} signed as {sender}, not as {self.address}", code="signer_lies", hint=WAY_OUT)
        if said != {name: _plain(value) for name, value in fields.items()}:
            raise Untrusted(
                f"{self._name} signed another transaction than it was asked to", code="signer_lies", hint=WAY_OUT
            )
        return raw

    def check(self) -> str:
        """Its name, once it lists the account. ``Conflict`` (``signer_lacks_key``) where it lists others."""
        found = self._asked("eth_accounts")
        if not isinstance(found, list) or self.address not in {str(one).lower() for one in found}:
            raise Conflict(
                f"{self._name} does not hold the key of {self.address}", code="signer_lacks_key", hint=WAY_OUT
            )
        return self._name

    def _asked(self, method: str, *parameters: object) -> Any:
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        answer = call(self._url, body, name=self._name, limit=LIMIT, seconds=self._seconds, hint=WAY_OUT)
        if answer.get("error"):
            told = answer["error"].get("message") if isinstance(answer["error"], dict) else answer["error"]
            raise Conflict(
                f"{self._name} refuses: {' '.join(str(told).split())[:200]}", code="signer_refused", hint=WAY_OUT
            )
        return answer.get("result")


def _hex(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else hex(value)


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, bytes) else int(value)


def _read(raw: bytes) -> tuple[dict[str, Any], str]:
    """What a signed transaction says, and who signed it (lower-case)."""
    from eth_account import Account
    from eth_account.typed_transactions import TypedTransaction
    from hexbytes import HexBytes

    fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    said = {name: _plain(value) for name, value in fields.items() if name not in {"v", "r", "s", "accessList"}}
    if fields.get("accessList"):
        said["accessList"] = 1
    return said, str(Account.recover_transaction(HexBytes(raw))).lower()
