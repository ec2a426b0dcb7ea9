"""Rounds of drand's quicknet, as public relays answer at /52db9ba7…/public/N, and what is none."""

from __future__ import annotations

from typing import Any

from registry.core.records import DrandRound
from registry.provenance.beacons.networks import QUICKNET
from tests.vectors.families.vector import Family, Vector, good

FIRST = bytes.fromhex(
    "b55e7cb2d5c613ee0b2e28d6750aabbb78c39dcc96bd9d38c2c2e12198df95571de8e8e402a0cc48871c7089a2b3af4b"
)
LATER = bytes.fromhex(
    "845091b99635a8a5f93a15cd8622fae0c7ee5307fb5b888dc67ee4fe997b5b326dbd637bd7ab39e3188fd507ea94b314"
)


def answer(given: dict[str, Any]) -> str:
    """When a round was published, if the network signed it."""
    QUICKNET.check(DrandRound(chain=QUICKNET.hash, round=given["round"], signature=given["signature"]))
    return QUICKNET.time_of(given["round"])


def vectors() -> list[Vector]:
    """All."""
    wrong = (
        ("of another round", 2, FIRST),
        ("its negative", 1, bytes([FIRST[0] ^ 0x20]) + FIRST[1:]),
        ("infinity", 1, b"\xc0" + bytes(47)),
        ("zeros", 1, bytes(48)),
        ("no point", 1, b"\xff" * 48),
        ("cut off", 1, FIRST[:-1]),
        ("too long", 1, FIRST + b"\0"),
        ("round 0", 0, FIRST),
    )
    return [
        good(answer, "the first round", {"round": 1, "signature": FIRST}),
        good(answer, "a later round", {"round": 9367912, "signature": LATER}),
        *(
            Vector(name, {"round": number, "signature": data}, None, "bad_round", "quicknet did not sign this round")
            for name, number, data in wrong
        ),
    ]


FAMILIES = (Family("rounds", "A round of drand's quicknet and its signature: when it was published.", answer, vectors),)
