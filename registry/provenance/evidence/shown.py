"""What a piece of evidence shows, and the trust roots that it is checked against.

Invariant: trust roots come from whoever audits, never from the file that is audited.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from registry.core.ipld.cid import CID
from registry.core.log import SKEW
from registry.core.tlog.note import VerifierKey
from registry.provenance.beacons.networks import KNOWN, Network
from registry.provenance.checks.results import NotChecked


def _no_certificates() -> Sequence[bytes]:
    return ()


def _no_witnesses() -> Sequence[VerifierKey]:
    return ()


def _no_header(height: int) -> bytes | None:
    return None


def _no_blocks() -> Collection[tuple[str, str]]:
    return ()


def _known_networks() -> Mapping[str, Network]:
    return KNOWN


@dataclass(frozen=True)
class Trust:
    """What the auditor trusts, read when it is first asked for; nothing unless given but drand's quicknet."""

    certificates: Callable[[], Sequence[bytes]] = _no_certificates  # DER: roots of timestamp authorities
    header: Callable[[int], bytes | None] = _no_header  # the 80 bytes of Bitcoin's block at a height
    networks: Callable[[], Mapping[str, Network]] = _known_networks  # of drand, by their hashes
    witnesses: Callable[[], Sequence[VerifierKey]] = _no_witnesses  # whose cosignatures of logs count
    blocks: Callable[[], Collection[tuple[str, str]]] = _no_blocks  # of chains: CAIP-2, lower-case 0x hash


class NoTrustRoot(NotChecked):
    """Nothing speaks against the evidence, and the auditor trusts nobody who speaks for it."""


@dataclass(frozen=True)
class Shown:
    """What evidence that verified shows: ``entry``, and all entries before it in its log, were there by ``time``."""

    kind: str
    entry: CID
    by: str  # who has to be trusted, as a person reads it: an authority's name, Bitcoin
    time: str | None  # UTC, whole seconds, rounded up; None where it shows no time
    within: int = SKEW  # seconds by which that clock may be wrong
    publisher: str | None = None  # lower-case 0x address as which it was anchored, where that is not the authority's
