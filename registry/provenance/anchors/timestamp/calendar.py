"""An OpenTimestamps calendar as a place to anchor.

Source: the calendar's protocol in python-opentimestamps 0.4, ``calendar.py``: POST /digest answers with a timestamp
that promises, GET /timestamp/HEX with what it became. Hours pass until Bitcoin's block.

Invariants: a promise is kept and pending; what names a block is ``attested``, and ``finalized`` once this machine has
the block's header and it fits. A promise names the calendar that completes it: only those that were set up, and those
of OpenTimestamps' own list over https, are asked.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from fnmatch import fnmatch
from urllib.parse import urlsplit

from registry.core.errors import NotFound, Untrusted
from registry.provenance.anchors.timestamp.kept import KeptStamps, Stamp
from registry.provenance.anchors.timestamp.place import StampPlace
from registry.provenance.asking import SECONDS, ask, host_of
from registry.provenance.evidence import opentimestamps as ots
from registry.provenance.evidence.ots_format import BITCOIN, PENDING, Timestamp, file_of, read_file, read_timestamp

HEADERS = {"Accept": "application/vnd.opentimestamps.v1"}
LIMIT = 10_000  # bytes of an answer, as in the protocol's own client
KNOWN = ("*.calendar.opentimestamps.org", "*.calendar.eternitywall.com", "*.calendar.catallaxy.com")


class Calendar(StampPlace):
    """``header`` gives the 80 bytes of Bitcoin's block at a height, where this machine has them."""

    kind = ots.KIND

    def __init__(
        self,
        url: str,
        kept: KeptStamps,
        publisher: Callable[[], str],
        header: Callable[[int], bytes | None],
        seconds: float = SECONDS,
    ) -> None:
        super().__init__(f"{ots.KIND}:{host_of(url)}", kept, publisher)
        self._url, self._header, self._seconds = url.rstrip("/"), header, seconds

    def _asked(self, stamp: Stamp) -> Stamp:
        if stamp.proof is None:
            stamp = self._kept.keep(self._standing(stamp, self.promised(stamp.digest)))
        timestamp = read_file(stamp.proof or b"")
        if not ots.blocks_of(timestamp):
            for node, one in list(timestamp.all()):
                if one.calendar is not None:
                    self._complete(node, one.calendar)
        return self._standing(stamp, timestamp)

    def _settled(self, stamp: Stamp) -> bool:
        return stamp.status == "finalized"

    def try_out(self) -> None:
        """A promise for random bytes."""
        self.promised(secrets.token_bytes(32))

    def promised(self, digest: bytes) -> Timestamp:
        """What the calendar answers to a new digest. ``Untrusted`` where it promises nothing."""
        body = self._ask("POST", f"{self._url}/digest", digest)
        found = read_timestamp(body, digest)
        if not any(one.tag in (PENDING, BITCOIN) for _, one in found.all()):
            raise Untrusted(f"{self.chain} promises nothing", code="bad_proof")
        return found

    def _complete(self, node: Timestamp, calendar: str) -> None:
        """Add what became of a promise, if anything did."""
        parts = urlsplit(calendar)
        known = parts.scheme == "https" and any(fnmatch(parts.netloc, one) for one in KNOWN)
        if known or parts.netloc == urlsplit(self._url).netloc.rpartition("@")[2]:
            address = calendar if known else self._url
            try:
                body = self._ask("GET", f"{address.rstrip('/')}/timestamp/{node.message.hex()}")
            except NotFound:
                return
            node.add(read_timestamp(body, node.message))

    def _ask(self, method: str, url: str, body: bytes | None = None) -> bytes:
        return ask(method, url, body=body, headers=HEADERS, limit=LIMIT, seconds=self._seconds)

    def _standing(self, stamp: Stamp, timestamp: Timestamp) -> Stamp:
        """How far it is: the earliest block counts."""
        proof, blocks = file_of(timestamp), ots.blocks_of(timestamp)
        if len(proof) > ots.MAX_SIZE:
            raise Untrusted(f"{self.chain} gives too large a proof", code="bad_proof")
        if not blocks:
            return Stamp(stamp.place, stamp.publisher, stamp.digest, "pending", {}, proof)
        height = min(blocks)
        header = self._header(height)
        time = None if header is None else ots.time_of(header, blocks[height], height)
        stated = {"calendar": self.chain.partition(":")[2], "chain": ots.CHAIN, "height": height, "time": time}
        status = "attested" if time is None else "finalized"
        return Stamp(stamp.place, stamp.publisher, stamp.digest, status, stated, proof)
