"""Rounds of drand over HTTPS relays, which may lie, stall, or send without end.

Source: drand's HTTP API, ``/<chain hash>/public/<round>``.

Invariants: a round is returned only once it verified by the network's key that is known here; ``LIMIT`` bytes and
``seconds`` are spent on a relay; no redirect is followed; only https is used, http only for this machine's loopback.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import msgspec

from registry.core.errors import EmotionetError, NotFound, Unavailable, Untrusted, UsageError
from registry.core.ports.beacon import tell_nobody
from registry.core.records import DrandRound, Note
from registry.evaluation.beacon_notes import relay_lies
from registry.provenance.asking import ask
from registry.provenance.beacons.networks import Network

RELAYS = ("https://api.drand.sh", "https://api2.drand.sh", "https://api3.drand.sh", "https://drand.cloudflare.com")
LIMIT = 4096  # bytes of an answer: a round takes about 200
SECONDS = 10.0
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "emotionet"}
_log = logging.getLogger(__name__)


class _Answer(msgspec.Struct, frozen=True):
    round: int
    signature: str
    randomness: str | None = None


def check_relay(url: str) -> str:
    """A relay's address without its last slash. ``UsageError`` unless https, or http of the loopback."""
    parts = urlsplit(url)
    good = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not good or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise UsageError(
            f"{parts.hostname or url[:100]!r} in EMOTIONET_DRAND_RELAYS is no address of a relay",
            hint="write https://HOST (http is for this machine's loopback alone).",
        )
    return url.rstrip("/")


class Relays:
    """Implements ``registry.core.ports.beacon.Beacons`` for one network. Relays are asked in their order."""

    def __init__(self, network: Network, relays: Sequence[str] = RELAYS, seconds: float = SECONDS) -> None:
        self._network, self._seconds = network, seconds
        self._relays = [check_relay(url) for url in relays]
        if not self._relays:
            raise UsageError("no relay of drand is set up", hint="set EMOTIONET_DRAND_RELAYS, or leave it out.")

    @property
    def name(self) -> str:
        """As a plan names the network."""
        return f"drand:{self._network.hash}"

    def round_after(self, time: str) -> int:
        """The network's first round later than this time."""
        return self._network.round_after(time)

    def time_of(self, number: int) -> str:
        """When the network publishes a round."""
        return self._network.time_of(number)

    def fetch(self, number: int, tell: Callable[[Note], None] = tell_nobody) -> DrandRound:
        """The round from the first relay that has it and does not lie."""
        failures: list[EmotionetError] = []
        for relay in self._relays:
            try:
                return self._from(relay, number)
            except Untrusted as error:
                _log.warning("%s", error)
                tell(relay_lies(urlsplit(relay).netloc, number))
                failures.append(error)
            except Unavailable as error:
                failures.append(error)
        said = "; ".join(map(str, failures))[:600]
        if all(isinstance(error, Untrusted) for error in failures):
            raise Untrusted(said, code="bad_round", hint="name other relays in EMOTIONET_DRAND_RELAYS.")
        raise Unavailable(said, code="no_round", hint="try again, or name other relays in EMOTIONET_DRAND_RELAYS.")

    def _from(self, relay: str, number: int) -> DrandRound:
        host = urlsplit(relay).netloc
        data = self._asked(host, f"{relay}/{self._network.hash}/public/{number}")
        try:
            answer = msgspec.json.decode(data, type=_Answer)
            signature = bytes.fromhex(answer.signature)
        except (msgspec.MsgspecError, ValueError) as error:
            raise Untrusted(f"the relay {host} answers with something else than a round", code="bad_round") from error
        if answer.round != number:
            told = str(answer.round)[:30]
            raise Untrusted(f"the relay {host} answers with round {told}, not {number}", code="bad_round")
        if answer.randomness not in (None, hashlib.sha256(signature).hexdigest()):
            raise Untrusted(f"the relay {host} states another value than its round has", code="bad_round")
        found = DrandRound(chain=self._network.hash, round=number, signature=signature)
        try:
            self._network.check(found)
        except Untrusted as error:
            raise Untrusted(f"the relay {host} lies: {error}", code="bad_round") from error
        return found

    def _asked(self, host: str, url: str) -> bytes:
        name = f"the relay {host}"
        try:
            return ask("GET", url, headers=_HEADERS, limit=LIMIT, seconds=self._seconds, name=name)
        except NotFound as error:
            raise Unavailable(f"{name} does not have the round yet") from error
        except Unavailable as error:
            if error.code == "too_large":
                raise Untrusted(f"{name} sends more bytes than a round has", code="too_large") from error
            raise
