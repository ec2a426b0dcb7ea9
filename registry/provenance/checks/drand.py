"""3.drand: the rounds of drand that a draw mixes are genuine, and the first after the plan's anchor.

It needs no network: a round's signature verifies by the key of its network, which comes with the program or from
whoever audits, never with the file. When the plan was anchored is what other checks show: the block that the draw names
(3.beacon), otherwise a timestamp of the plan's entry (3.evidence).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from registry.core import records
from registry.core.errors import Untrusted
from registry.core.records import DrandRound
from registry.provenance.beacons.networks import Network
from registry.provenance.checks.results import Check, Failed, NotChecked, guarded, run
from registry.provenance.checks.target.subject import Subject

TIMESTAMP = "rfc3161"  # the kind of evidence whose time counts where no block does
CLOCKS_APART = 60  # seconds by which the clocks of two authorities may differ


def checks(subject: Subject) -> Iterator[Check]:
    """The one check, where the plan or the draw names drand at all."""
    if subject.is_release and guarded(partial(_is_asked, subject), False):
        yield run("3.drand", partial(drand, subject))


def rounds(subject: Subject) -> list[DrandRound]:
    """The rounds that the draw mixes."""
    return [one for one in subject.release.draw.beacons if isinstance(one, DrandRound)]


def known_network(subject: Subject, one: DrandRound) -> Network:
    """The network that a round says to be of. ``NotChecked`` for one that nobody here knows."""
    found = subject.trust.networks().get(one.chain)
    if found is None:
        raise NotChecked(
            f"the key of drand {one.chain[:64]} is not known here: "
            "EMOTIONET_DRAND_NETWORKS names a file of networks that you trust"
        )
    return found


def times(subject: Subject) -> list[str]:
    """When the rounds of networks that are known here are published."""
    networks = subject.trust.networks()
    return [networks[one.chain].time_of(one.round) for one in rounds(subject) if one.chain in networks]


def anchor_times(beacons: tuple[records.Beacon, ...], plan_entry: bytes, evidence: list[records.Evidence]) -> list[str]:
    """When the plan may have been anchored, earliest first: the time of the block that the draw names; otherwise what
    timestamps of the plan's entry state, those at most ``CLOCKS_APART`` behind the earliest: authorities' clocks
    differ, and the draw counted on one of them (docs/format/draw.md)."""
    blocks = [one.time for one in beacons if isinstance(one, records.EvmBlock)]
    if blocks:
        return [max(blocks)]
    stamps = sorted({one.time for one in evidence if one.kind == TIMESTAMP and one.entry == plan_entry and one.time})
    return [
        one
        for one in stamps
        if (datetime.fromisoformat(one) - datetime.fromisoformat(stamps[0])).total_seconds() <= CLOCKS_APART
    ]


def drand(subject: Subject) -> str:
    """3.drand: each round is the first after the plan's anchor, and its network signed it."""
    found = rounds(subject)
    if not found:
        raise Failed("the plan says that the draw mixes a round of drand, and the draw mixes none")
    evidence = [records.parse_as(records.Evidence, subject.get(cid)) for cid in subject.evidence]
    times = anchor_times(subject.release.draw.beacons, bytes(subject.plan_entry), evidence)
    known_first = sorted(found, key=lambda one: one.chain not in subject.trust.networks())
    return "; ".join([_checked(known_network(subject, one), one, times) for one in known_first])


def _checked(network: Network, one: DrandRound, times: list[str]) -> str:
    if not times:
        raise Failed("the draw mixes a round of drand, and nothing at hand says when the plan was anchored")
    wanted = network.round_after(times[0])
    if one.round not in map(network.round_after, times):
        raise Failed(
            f"the draw mixes round {str(one.round)[:30]} of drand {network.name[:40]}; "
            f"the first after the plan's anchor at {times[0]} is {wanted}"
        )
    try:
        network.check(one)
    except Untrusted as error:
        raise Failed(str(error)) from error
    return f"round {one.round} of drand {network.name[:40]}, published at {network.time_of(one.round)}, is genuine"


def _is_asked(subject: Subject) -> bool:
    named = [one for one in subject.release.plan.beacons if one.startswith("drand:")]
    return bool(named or rounds(subject))
