"""A chain in memory: each digest that is submitted lies in a block of its own, finalized at once."""

from __future__ import annotations

from registry.core.ports.anchor import Anchor, AnchorProof


class SimulatedChain:
    """Implements ``registry.core.ports.anchor.Anchors`` for one publisher."""

    chain = "eip155:31337"
    contract = "0x" + "c0" * 20

    def __init__(self, publisher: str) -> None:
        self._publisher = publisher
        self._digests: list[bytes] = []

    def submit(self, digest: bytes) -> Anchor:
        """In the next block, unless it is anchored already."""
        if digest not in self._digests:
            self._digests.append(digest)
        return self.status(digest)

    def status(self, digest: bytes, publisher: str | None = None) -> Anchor:
        """Finalized, or ``none``."""
        if digest not in self._digests or (publisher or self._publisher) != self._publisher:
            return Anchor(digest=digest, status="none", chain=self.chain, contract=self.contract)
        number = self._digests.index(digest)
        statement = {
            "chain": self.chain,
            "contract": self.contract,
            "transaction": "0x" + digest.hex(),
            "blockNumber": number,
            "blockHash": f"0x{number:064x}",
            "time": f"2026-11-24T00:00:{number:02d}Z",
        }
        return Anchor(
            digest=digest,
            status="finalized",
            chain=self.chain,
            contract=self.contract,
            publisher=self._publisher,
            transaction="0x" + digest.hex(),
            time=str(statement["time"]),
            proof=AnchorProof(kind="evm", statement=statement),
        )

    def wait(self, digest: bytes, timeout: float) -> Anchor:
        """As it stands."""
        return self.status(digest)

    def anchored_by(self, publisher: str) -> list[bytes]:
        """What was submitted, in its order."""
        return list(self._digests) if publisher == self._publisher else []
