"""Networks of drand whose keys are known here: when their rounds are, and whether a round is genuine.

Sources: drand's documentation (round times, `/info`) and ``chain.Info.Hash`` of its reference implementation.

Invariant: a network's hash covers its key, period, genesis and name. Whoever names a network by its hash names its key,
and a network's information can come from anywhere; whether its members are to be trusted it does not show.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import msgspec

from registry.core.errors import InvalidInput, Untrusted, UsageError
from registry.core.records import DrandRound
from registry.provenance.beacons import bls

SCHEME = "bls-unchained-g1-rfc9380"
_UNNAMED = ("", "default")  # names that drand leaves out of the hash


@dataclass(frozen=True)
class Network:
    """``genesis`` is the time of round 1, in Unix seconds; ``period``: seconds between rounds."""

    key: bytes
    period: int
    genesis: int
    group: bytes  # hash of the group that made the key
    name: str

    @cached_property
    def hash(self) -> str:
        """The hash of its chain, 64 hex digits."""
        head = self.period.to_bytes(4, "big") + self.genesis.to_bytes(8, "big", signed=True)
        name = "" if self.name in _UNNAMED else self.name
        return hashlib.sha256(head + self.key + self.group + name.encode()).hexdigest()

    def round_after(self, time: str) -> int:
        """The first round that is later than a time of a record: smallest n >= 1 with genesis + (n - 1) period > time.

        Later, not as late: a clock's second may have begun before the round of that second was known.
        """
        passed = int(datetime.fromisoformat(time).timestamp()) - self.genesis
        return 1 if passed < 0 else passed // self.period + 2

    def time_of(self, number: int) -> str:
        """When a round is published, as records write times."""
        try:
            at = datetime.fromtimestamp(self.genesis + (number - 1) * self.period, UTC)
        except (OverflowError, ValueError, OSError) as error:
            raise InvalidInput(f"no calendar has the time of round {str(number)[:30]}") from error
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def check(self, one: DrandRound) -> None:
        """``Untrusted`` (``bad_round``) unless the network signed this round."""
        if one.chain != self.hash or not 1 <= one.round < 1 << 64:
            raise Untrusted(f"round {str(one.round)[:30]} is not of drand {self.hash}", code="bad_round")
        message = hashlib.sha256(one.round.to_bytes(8, "big")).digest()
        if not bls.verifies(self.key, message, one.signature):
            raise Untrusted(f"the signature of round {one.round} of drand {self.hash} is wrong", code="bad_round")


QUICKNET = Network(
    key=bytes.fromhex(
        "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451"
        "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
    ),
    period=3,
    genesis=1_692_803_367,
    group=bytes.fromhex("f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e"),
    name="quicknet",
)
KNOWN: Mapping[str, Network] = {QUICKNET.hash: QUICKNET}


def named_in(networks: Mapping[str, Network], name: str) -> Network:
    """One of these by its hash or its name. ``UsageError`` where none, or several, are called so."""
    found = [one for one in networks.values() if name in (one.hash, one.name)]
    if len(found) != 1:
        raise UsageError(
            f"{'no' if not found else 'more than one'} drand network that is trusted here is called {name[:64]!r}",
            hint="set EMOTIONET_DRAND to quicknet, or to the hash of one that EMOTIONET_DRAND_NETWORKS describes.",
        )
    return found[0]


class _Metadata(msgspec.Struct, frozen=True):
    name: str = msgspec.field(default="", name="beaconID")


class _Info(msgspec.Struct, frozen=True):
    """What a relay answers at /<hash>/info."""

    public_key: str
    period: int
    genesis_time: int
    hash: str
    group_hash: str = msgspec.field(name="groupHash")
    scheme: str = msgspec.field(name="schemeID")
    metadata: _Metadata = _Metadata()


def networks_of(data: bytes) -> dict[str, Network]:
    """Networks by their hashes, from what relays answer at ``/info``: one such object, or a list of them.

    ``InvalidInput`` (``bad_network``) for what is none, of another scheme, or not what its hash is of.
    """
    try:
        decoded: Any = msgspec.json.decode(data)
        told = msgspec.convert(decoded if isinstance(decoded, list) else [decoded], list[_Info])
        found = [_network(one) for one in told]
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise InvalidInput(f"this describes no drand network: {error}", code="bad_network") from error
    return {one.hash: one for one in found}


def _network(info: _Info) -> Network:
    if info.scheme != SCHEME:
        raise ValueError(f"scheme {info.scheme[:60]!r} is not known, only {SCHEME}")
    if not 1 <= info.period < 1 << 32:
        raise ValueError("a period must be at least one second")
    key, group = bytes.fromhex(info.public_key), bytes.fromhex(info.group_hash)
    found = Network(key, info.period, info.genesis_time, group, info.metadata.name)
    if found.hash != info.hash:
        raise ValueError(f"what it says hashes to {found.hash}, not to {info.hash[:64]}")
    return found
