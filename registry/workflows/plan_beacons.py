"""Which beacons a plan names, and their values once the plan is anchored.

Invariants: a plan names its beacons before it is signed, and its draw mixes exactly these: what can't be had is waited
for and never left out. A round of drand is the first after the time of the plan's anchor: of its block, or without a
chain of the earliest timestamp by an authority.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import structs

from registry.core import records
from registry.core.errors import Unavailable, UsageError
from registry.core.ipld.cid import CID
from registry.core.ports.anchor import Anchor, evidence_of
from registry.core.ports.beacon import Beacons
from registry.core.records import Note
from registry.evaluation.beacon_notes import waiting_for_round
from registry.workflows.log.anchoring import wait_until_final
from registry.workflows.parts import Parts

PAUSE = 1.0  # seconds between two times that relays are asked
RESUME = "set it up as it was when the run was started, then resume the run."


def beacons_to_name(parts: Parts, *, unanchored: bool) -> tuple[str, ...]:
    """What a plan names that is made now, in order. ``UsageError`` (``no_anchor_time``) where drand is set up and
    nothing would show others when the plan was anchored: then no round follows from it."""
    settings = parts.settings
    if unanchored:
        return ()
    block = (records.EVM_BLOCK,) if settings.proves_to_others else ()
    drand = parts.beacons
    if drand is None:
        return block
    if not block and not settings.tsa:
        raise UsageError(
            "EMOTIONET_DRAND is set, but nothing here shows when a plan was anchored",
            code="no_anchor_time",
            hint="set up a chain or EMOTIONET_TSA, leave EMOTIONET_DRAND out, or train with --unanchored.",
        )
    return (*block, drand.name)


def beacons_of(
    parts: Parts,
    plan: records.Plan,
    entry: CID,
    issuer: str,
    check: Callable[[], None],
    tell: Callable[[Note], None],
) -> tuple[records.Beacon, ...]:
    """The beacons that the plan of an ``entry`` names, once its anchor is final. ``Unavailable`` for one that can't be
    had in time; ``tell`` gets what is waited for, and who lied."""
    anchor = wait_until_final(parts, issuer, entry, check)
    block = evidence_of(entry, anchor).block if anchor.status == "finalized" else None
    mixed = records.EvmBlock(**structs.asdict(block)) if block else None
    if plan.v < 2:  # it names none and binds the draw to none
        return (mixed,) if mixed else ()
    return tuple(_one(parts, name, anchor, mixed, check, tell) for name in plan.beacons)


def _one(
    parts: Parts,
    name: str,
    anchor: Anchor,
    block: records.EvmBlock | None,
    check: Callable[[], None],
    tell: Callable[[Note], None],
) -> records.Beacon:
    if name == records.EVM_BLOCK:
        if block is None:
            raise Unavailable("the plan names the block of its anchor, and no chain is set up", hint=RESUME)
        return block
    beacons = parts.beacons
    if beacons is None or beacons.name != name:
        raise Unavailable(f"the plan names {name}, which EMOTIONET_DRAND does not", hint=RESUME)
    at = block.time if block else anchor.time if anchor.status == "stamped" else None
    if at is None:
        raise Unavailable(f"the plan names {name}, and no authority has stamped when it was anchored", hint=RESUME)
    return _waited_for(beacons, beacons.round_after(at), parts.settings.finality_seconds, check, tell)


def _waited_for(
    beacons: Beacons, number: int, seconds: float, check: Callable[[], None], tell: Callable[[Note], None]
) -> records.DrandRound:
    until, told = time.monotonic() + seconds, list[Note]()

    def once(note: Note) -> None:
        if note not in told:
            told.append(note)
            tell(note)

    while True:
        check()
        try:
            return beacons.fetch(number, once)
        except Unavailable:
            once(waiting_for_round(beacons.name, number, beacons.time_of(number)))
            if time.monotonic() > until:
                raise
        time.sleep(PAUSE)
