"""A timestamp authority by RFC 3161 as a place to anchor (over HTTP, RFC 3161, 3.4).

Invariant: an answer is kept once its nonce, its digest, its signature and the chain to a trust root of this machine
were checked. It proves the time to whoever trusts that authority.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from registry.core.errors import Conflict
from registry.provenance.anchors.timestamp.kept import KeptStamps, Stamp
from registry.provenance.anchors.timestamp.place import StampPlace
from registry.provenance.asking import SECONDS, ask, host_of
from registry.provenance.evidence import der, rfc3161
from registry.provenance.evidence.shown import NoTrustRoot

HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


class TimestampAuthority(StampPlace):
    """``roots`` gives the certificates (DER) that this machine trusts."""

    kind = rfc3161.KIND

    def __init__(
        self,
        url: str,
        kept: KeptStamps,
        publisher: Callable[[], str],
        roots: Callable[[], Sequence[bytes]],
        seconds: float = SECONDS,
    ) -> None:
        super().__init__(f"{rfc3161.KIND}:{host_of(url)}", kept, publisher)
        self._url, self._roots, self._seconds = url, roots, seconds

    def _asked(self, stamp: Stamp) -> Stamp:
        proof, found = self.stamped(stamp.digest)
        return Stamp(stamp.place, stamp.publisher, stamp.digest, "stamped", found.statement, proof)

    def try_out(self) -> None:
        """A timestamp of random bytes, checked."""
        self.stamped(secrets.token_bytes(32))

    def stamped(self, digest: bytes) -> tuple[bytes, rfc3161.Stamp]:
        """A new, checked timestamp of a digest, and what it says. ``Conflict`` (``no_trust_root``) without a root."""
        nonce = secrets.randbits(63)
        query = der.request(digest, nonce)
        proof = ask("POST", self._url, body=query, headers=HEADERS, limit=rfc3161.MAX_SIZE, seconds=self._seconds)
        answer = rfc3161.read(proof)
        rfc3161.check_digest(answer, digest)
        try:
            rfc3161.check_signed(answer, digest, self._roots(), nonce)
        except NoTrustRoot as error:
            raise Conflict(
                f"{self.chain}: {error}", code="no_trust_root", hint="name its root certificate in EMOTIONET_TSA_ROOTS."
            ) from error
        return proof, rfc3161.stamp_in(answer)
