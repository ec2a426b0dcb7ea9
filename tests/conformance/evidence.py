"""What the kit makes of ``stamped-1/release.car``: stamps, rounds of drand and cosignatures that are of something else.

Invariants: the same to the byte each time, made of that file and the test key alone. Evidence is signed by nobody, so
it is exchanged as it is; where a draw is changed, everything above it is made again and signed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from registry.core import records
from registry.core.draw import draw_seed
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.ipld.dag import walk_closure
from registry.core.records import WITNESS, DrandRound, Evidence
from registry.core.run_view import release_view
from registry.provenance.evidence.rfc3161 import KIND as RFC3161
from tests.support.anchors.signer import MemorySigner
from tests.support.forgery import forge, sections, write_car
from tests.support.old_release import Blocks
from tests.vectors.make import KEY
from tests.vectors.stamped import SIGNATURE, evidence_in, exchanged

STAMPED = Path(__file__).parents[1] / "vectors" / "stamped-1"
SHOWN = ("3.drand", "3.drawn", "3.evidence", "3.included", "3.order", "3.stamped", "3.witnesses")
EARLY = DrandRound(
    chain="52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971",
    round=1000,
    signature=bytes.fromhex(
        "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
    ),
)  # genuine, and long before the plan
Make = Callable[[Path], object]


def trusted() -> dict[str, str]:
    """What verifiers are told to trust: the authority's root and the witness's key; drand's key they know."""
    return {
        "EMOTIONET_TSA_ROOTS": str(STAMPED / "trust" / "authority.pem"),
        "EMOTIONET_WITNESSES": (STAMPED / "trust" / "witness.txt").read_text(encoding="ascii").strip(),
    }


def made_of_evidence() -> dict[str, tuple[Make, tuple[str, ...]]]:
    """What writes each tampered file, and the checks that must fail."""
    stamps, trees = _evidence(RFC3161), _evidence(WITNESS)
    later = structs.replace(_round(), round=_round().round + 1)
    cut = bytes([stamps[0].proof[-1] ^ 1]) if stamps[0].proof else b""
    said = stamps[0].statement
    return {
        "a stamp of another entry": (_each(RFC3161, lambda one: _of(one, _other(one, stamps))), ("3.evidence",)),
        "a stamp whose signature is damaged": (
            _each(RFC3161, lambda one: structs.replace(one, proof=(one.proof or b"")[:-1] + cut)),
            ("3.evidence",),
        ),
        "a stamp said to be earlier": (
            _each(RFC3161, lambda one: structs.replace(one, statement={**said, "time": "2024-07-13T21:44:00Z"})),
            ("3.evidence",),
        ),
        "a proof of another entry in the tree": (
            _each(WITNESS, lambda one: _of(one, _other(one, trees))),
            ("3.included",),
        ),
        "a cosignature that is damaged": (_each(WITNESS, _cosignature_damaged), ("3.witnesses",)),
        "a round long before the plan": (_drawn_from(EARLY), ("3.drand",)),
        "a round with another's signature": (
            _drawn_from(structs.replace(_round(), signature=EARLY.signature)),
            ("3.drand",),
        ),
        "a round whose number is another": (
            _drawn_from(later),
            ("3.drand",),
        ),
    }


def _round() -> DrandRound:
    return structs.replace(EARLY, round=9367912, signature=SIGNATURE)


def _each(kind: str, change: Callable[[Evidence], Evidence]) -> Make:
    return lambda path: exchanged(STAMPED / "release.car", path, change, kind)


def _evidence(kind: str) -> list[Evidence]:
    _, blocks = sections(STAMPED / "release.car")
    found = [evidence_in(data) for cid, data in blocks if cid.codec == DAG_CBOR]
    return [one for one in found if one is not None and one.kind == kind]


def _other(one: Evidence, among: list[Evidence]) -> Evidence:
    return next(other for other in among if other.entry != one.entry)


def _of(one: Evidence, other: Evidence) -> Evidence:
    """The other's proof and statement under this entry."""
    return structs.replace(other, entry=one.entry)


def _cosignature_damaged(one: Evidence) -> Evidence:
    """The last line of a checkpoint is the witness's cosignature, in base64."""
    proof = (one.proof or b"").rstrip(b"\n")
    at = len(proof) - 8
    return structs.replace(
        one, proof=proof[:at] + (b"A" if proof[at : at + 1] != b"A" else b"B") + proof[at + 1 :] + b"\n"
    )


class _Held:
    """The file's blocks and the key that signed them."""

    def __init__(self) -> None:
        self.roots, found = sections(STAMPED / "release.car")
        self.store, self.key = Blocks(found), MemorySigner(KEY)


def _drawn_from(beacon: DrandRound) -> Make:
    """The release as if its folds had been drawn from another round: seed, draw and release say so, signed again."""

    def make(path: Path) -> None:
        held = _Held()
        get = held.store.get
        release = records.parse_as(records.Release, get(records.parse_as(records.Entry, get(held.roots[0])).record))
        draw = release_view(get, release).draw
        seed = draw_seed(bytes(draw.plan), release_view(get, release).plan.seed, [beacon.value])
        changed = {release.draw: records.encode(structs.replace(draw, beacons=(beacon,), seed=seed))}
        entry = forge(held, held.roots[0], changed)
        write_car(path, [entry, *held.roots[1:]], _closures(held, entry))

    return make


def _closures(held: _Held, entry: CID) -> list[tuple[CID, bytes]]:
    named = [entry, *held.roots[1:]]
    return list(walk_closure(held.store.get, named, lambda cid: not held.store.has(cid)))
