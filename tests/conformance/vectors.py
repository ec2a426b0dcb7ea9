"""The kit's files: honest releases of every version of the formats, and tampered ones, with what a verifier must say.

Invariants: names are unique; a file's bytes follow from the vectors of this repository alone. ``holds``: checks that
must hold; ``fails``: checks that must not; ``unshown``: checks of which it must not say that they hold, because nobody
trusts who signed. Of a check that none names, a verifier may say anything on a tampered file, and anything but ``does
not hold`` on an honest one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from registry.provenance.checks.results import HOLDS
from tests.conformance.entries_behind import behind, proofs_of_pictures
from tests.conformance.evidence import SHOWN, STAMPED, made_of_evidence
from tests.conformance.forged import forged
from tests.vectors.families.releases import cases, write

VECTORS = Path(__file__).parents[1] / "vectors"
PROOF = "proof"  # the one check of a proof about a picture
NOT_NEEDED = frozenset({"4.arguments", "6.card"})  # they need our program's own method and its own words


@dataclass(frozen=True)
class Vector:
    """A file by its name, and what must be said of it; honest where ``fails`` is empty."""

    name: str
    put: Callable[[Path], object]
    holds: tuple[str, ...]
    fails: tuple[str, ...]
    unshown: tuple[str, ...] = ()

    @property
    def file_name(self) -> str:
        """The name in letters, digits and hyphens."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") + ".car"


def vectors() -> list[Vector]:
    """All, honest ones first."""
    made = [*_releases(), *_evidence(), *_stated(), *_forged(), *_behind(), *_proofs(), *_broken()]
    return sorted(made, key=lambda one: bool(one.fails))


def _releases() -> Iterator[Vector]:
    for folder in sorted(VECTORS.glob("release-*")):
        data = (folder / "release.car").read_bytes()
        said = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["checks"]
        held = sorted(id for id, result in said.items() if result == HOLDS and id not in NOT_NEEDED)
        yield Vector(folder.name, partial(_put, data), tuple(held), ())


def _evidence() -> Iterator[Vector]:
    honest = partial(_put, (STAMPED / "release.car").read_bytes())
    yield Vector("evidence, a stamp, a round of drand and a cosignature", honest, SHOWN, ())
    stranger = partial(_put, (STAMPED / "stranger.car").read_bytes())
    yield Vector("evidence, stamps by a stranger", stranger, ("3.drand", "3.included"), (), ("3.evidence", "3.stamped"))
    for name, (make, fails) in made_of_evidence().items():
        yield Vector(f"evidence, {name}", make, (), fails)


def _stated() -> Iterator[Vector]:
    for name, (given, fails, _) in cases().items():
        yield Vector(name, partial(write, given), (), fails)


def _forged() -> Iterator[Vector]:
    for name, (given, fails) in forged().items():
        yield Vector(name, partial(write, given), (), fails)


def _behind() -> Iterator[Vector]:
    for name, (given, holds, fails) in behind().items():
        yield Vector(name, partial(write, given), holds, fails)


def _proofs() -> Iterator[Vector]:
    for name, data, holds in proofs_of_pictures():
        own = (PROOF,)
        yield Vector(
            f"proof, {name}",
            partial(_put, data),
            own if holds else (),
            own if holds is False else (),
            own if holds is None else (),
        )


def _broken() -> Iterator[Vector]:
    """Files that are no whole CAR."""
    whole = (VECTORS / "release-1" / "release.car").read_bytes()
    broken = {
        "file, empty": b"",
        "file, an HTML page": b"<!DOCTYPE html><html><body>not found</body></html>",
        "file, cut off in its header": whole[:20],
        "file, cut off in the middle": whole[: len(whole) // 2],
        "file, its last byte missing": whole[:-1],
        "file, a section that claims 2^56 bytes": whole + b"\xff" * 7 + b"\x7f",
        "file, text behind its last block": whole + b"and more",
    }
    for name, data in broken.items():
        yield Vector(name, partial(_put, data), (), ("1.file",))


def _put(data: bytes, path: Path) -> None:
    path.write_bytes(data)
