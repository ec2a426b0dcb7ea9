"""What places that stamp have in common: a stamp is kept as pending first, then asked for until it is final.

Invariants: ``status`` and ``anchored_by`` tell what is kept; whoever holds the proof needs nobody to be asked. A proof
is kept once it was checked as an auditor would.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from registry.core.errors import InvalidInput, Unavailable
from registry.core.ports.anchor import FINAL, Anchor, AnchorProof
from registry.provenance.anchors.timestamp.kept import KeptStamps, Stamp

POLL_SECONDS = 0.2


class StampPlace(ABC):
    """Implements ``registry.core.ports.anchor.Anchors``. ``publisher`` is asked for only where it is needed."""

    contract = None
    kind: str  # of the evidence

    def __init__(self, name: str, kept: KeptStamps, publisher: Callable[[], str]) -> None:
        self.chain, self._kept, self._who = name, kept, publisher

    @abstractmethod
    def _asked(self, stamp: Stamp) -> Stamp:
        """Ask the place: the stamp as far as it is now. ``Unavailable``, or ``Untrusted`` where it lied."""

    @abstractmethod
    def try_out(self) -> None:
        """Ask it about 32 random bytes, of which nothing is kept. ``Unavailable``, ``Untrusted`` or ``Conflict``."""

    def submit(self, digest: bytes) -> Anchor:
        """Keep it as pending, then ask. Where that fails it stays pending: submit it again."""
        _check(digest)
        who = self._who().lower()
        kept = self._kept.get(self.chain, who, digest) or self._kept.keep(Stamp(self.chain, who, digest))
        if not self._settled(kept):
            kept = self._kept.keep(self._asked(kept))
        return self._anchor(kept)

    def _settled(self, stamp: Stamp) -> bool:
        """Whether nothing more can become of it."""
        return stamp.status in FINAL

    def status(self, digest: bytes, publisher: str | None = None) -> Anchor:
        """Where it stands, as far as is known here."""
        _check(digest)
        who = (publisher or self._who()).lower()
        kept = self._kept.get(self.chain, who, digest)
        return self._anchor(kept or Stamp(self.chain, who, digest, "none"))

    def wait(self, digest: bytes, timeout: float) -> Anchor:
        """Ask again and again until it is final."""
        until = time.monotonic() + timeout
        while True:
            anchor = self.status(digest)
            problem = Unavailable(f"{self.chain}: {anchor.status} after {timeout:g} s", hint="try again later.")
            try:
                anchor = anchor if anchor.status == "none" else self.submit(digest)
            except Unavailable as error:
                problem = error
            if anchor.status in FINAL:
                return anchor
            if time.monotonic() + POLL_SECONDS > until:
                raise problem
            time.sleep(POLL_SECONDS)

    def anchored_by(self, publisher: str) -> list[bytes]:
        """All that was stamped from here for this publisher: nobody lists what others had stamped."""
        return [stamp.digest for stamp in self._kept.of(self.chain, publisher.lower())]

    def pending(self) -> list[bytes]:
        """What this publisher submitted and can still become more, oldest first."""
        return [one.digest for one in self._kept.of(self.chain, self._who().lower()) if not self._settled(one)]

    def _anchor(self, stamp: Stamp) -> Anchor:
        shown = AnchorProof(kind=self.kind, statement=stamp.statement, proof=stamp.proof)
        return Anchor(
            digest=stamp.digest,
            status=stamp.status,
            chain=self.chain,
            publisher=stamp.publisher,
            time=stamp.statement.get("time"),
            proof=shown if stamp.status in FINAL else None,
        )


def _check(digest: bytes) -> None:
    if len(digest) != 32:
        raise InvalidInput(f"a digest to stamp has 32 bytes, not {len(digest)}", code="bad_digest")
