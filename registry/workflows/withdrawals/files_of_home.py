"""Files that this home keeps in folders of its own and that hold pictures which have to go: CARs and reports of
releases, and the demo's drawings.

Invariants: such a file is removed whole, for it can be made again without the picture (`emotionet export`,
`emotionet release report`); it goes before the store's blocks, so that a removal that was cut off finds it the next
time. A CAR goes that holds a block of the picture; a report whose release was made from it, for it may show a copy of
it. Files elsewhere, the folder of an import among them, are their owner's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

from registry.catalog.queries.signed_records import lineage, withdrawals
from registry.core.errors import EmotionetError
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.workflows.parts import Parts

REPORTS, DRAWINGS = "reports", "demo-drawings"  # folders in a home


def remove_files(parts: Parts, sha256s: Collection[str]) -> list[str]:
    """Delete them; their paths below the home."""
    home = parts.settings.home
    cars = [*home.glob("*.car"), *home.glob(f"{REPORTS}/*.car")]
    reports, drawings = list(home.glob(f"{REPORTS}/*.html")), list(home.glob(f"{DRAWINGS}/**/*"))
    if not sha256s or not (cars or reports or drawings):
        return []
    with parts.catalog.read() as db:
        names = set(withdrawals.names_of_images(db, sha256s))
        made = {one["cid"] for sha256 in sha256s for one in lineage.touched(db, sha256)} if reports else set[str]()
    found = [path for path in cars if _holds(path, names)]
    found += [path for path in reports if path.stem in made]
    found += [path for path in drawings if path.is_file() and _sha256(path) in sha256s]
    for path in found:
        path.unlink(missing_ok=True)
    return sorted(str(path.relative_to(home)) for path in found)


def _holds(path: Path, names: Collection[CID]) -> bool:
    """Whether a CAR has a block of these; what is cut off or none at all may have one up to there."""
    return any(cid in names for cid in _cids(path))


def _cids(path: Path) -> Iterator[CID]:
    try:
        with path.open("rb") as stream:
            for cid, _ in car.read_raw(stream)[1]:
                yield cid
    except (EmotionetError, FileNotFoundError):
        return


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
