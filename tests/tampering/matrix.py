"""Tries variants of a release, and tells which an audit missed; and honest files, which must raise no alarm.

What an outsider changes is asked of levels 1 to 3 first, since nothing is signed again; what the holder of the key
changes of levels 1 to 4 and 6. What these miss must be on the list of ``beyond``, and be found by what that names.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld import encoding
from registry.core.ipld.cid import DAG_CBOR, RAW, cid_of
from registry.core.table import tables
from tests.tampering.beyond import beyond
from tests.tampering.sealed import DEFAULT, File, Sealed, alarm, heard, said
from tests.tampering.variants import OUTSIDER, Tampering, Variant

WHOLE = ("file", "root", "beside", "entry beside")  # what changes no record: where an audit says the same, it is no lie


@dataclass
class Outcome:
    """How many variants were tried, by which check they were found, and the names of those that were not."""

    tried: int = 0
    same: int = 0  # could not be made, or are the honest file
    found: Counter[str] = field(default_factory=Counter)
    further: Counter[str] = field(default_factory=Counter)  # that only what is on the list finds
    missed: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Take another's numbers."""
        self.tried, self.same = self.tried + other.tried, self.same + other.same
        self.found += other.found
        self.further += other.further
        self.missed += other.missed

    def __str__(self) -> str:
        checks = ", ".join(f"{name} {count}" for name, count in sorted(self.found.items()))
        more = ", ".join(f"{name} {count}" for name, count in sorted(self.further.items()))
        return f"{self.tried} tried, {len(self.missed)} missed; found by {checks}; beyond levels 1-4 and 6: {more}"


def chosen(sealed: Sealed, count: int, seed: int) -> list[Variant]:
    """So many variants: one of every class (what, field, operation, by whom) before a second of any; of the classes, if
    they are more, those that the seed chooses."""
    random_ = random.Random(seed)
    classes: dict[tuple[str, ...], list[Variant]] = defaultdict(list)
    seen: Counter[tuple[str, ...]] = Counter()
    most = max(1, count // 1000)
    for one in Tampering(sealed):
        key = (one.what, one.field, one.how, one.by)
        seen[key] += 1
        if len(classes[key]) < most:
            classes[key].append(one)
        elif (place := random_.randrange(seen[key])) < most:
            classes[key][place] = one
    rounds = [[found[at] for found in classes.values() if at < len(found)] for at in range(most)]
    for some in rounds:
        random_.shuffle(some)
    return [one for some in rounds for one in some][:count]


def honest(sealed: Sealed) -> list[File]:
    """Files that say nothing but the truth: in another order, with what nobody asked for, without images."""
    roots, blocks = sealed.file.roots, sealed.file.sections
    beside = (cid_of(b"something else", RAW), b"something else")
    images = {row["image"] for row in _items(sealed)}
    without = tuple(one for one in blocks if one[0] not in images)
    both = tuple((dict(blocks) | dict(sealed.other.sections)).items())
    files = [*(blocks, blocks[::-1], (*blocks, beside), (*blocks, blocks[0]), without, both)]
    return [*(File(roots, one) for one in files), sealed.other, File(roots[::-1], blocks), File(roots[:1], blocks)]


def _items(sealed: Sealed) -> Iterable[dict[str, Any]]:
    blocks = sealed.blocks
    for value in map(encoding.decode, (data for cid, data in blocks.items() if cid.codec == DAG_CBOR)):
        if isinstance(value, dict) and value.get("type") == "snapshot":
            yield from tables.rows_as_dicts(value["items"], blocks.__getitem__)


def false_alarms(sealed: Sealed) -> list[str]:
    """The checks that fail for honest files."""
    files = [one for one in honest(sealed) if not isinstance(_record(one), records.Evidence)]
    found = [alarm(one, sealed.trust, issuer=sealed.key_of_log) for one in files]
    return [one for one in found if one is not None]


def _record(file: File) -> records.Record | None:
    """The first root's; None where it is none."""
    return records.parse(dict(file.sections)[file.roots[0]]) if file.roots[0].codec == DAG_CBOR else None


def try_all(
    sealed: Sealed, variants: Iterable[Variant], folder: Path, until: float | None = None, most: int | None = None
) -> Outcome:
    """Audit each; ``until``: a monotonic time at which to stop; ``most``: after so many."""
    outcome = Outcome()
    for one in variants:
        if outcome.tried == most or (until is not None and monotonic() > until):
            break
        try:
            file = one.make()
        except (EmotionetError, TypeError, AttributeError, LookupError):  # no table or block can be so
            outcome.same += 1
            continue
        if (file.roots, set(file.sections)) == (sealed.file.roots, set(sealed.file.sections)):
            outcome.same += 1
            continue
        _try(sealed, one, file, folder, outcome)
    return outcome


def _try(sealed: Sealed, one: Variant, file: File, folder: Path, outcome: Outcome) -> None:
    whole = one.what.startswith(WHOLE)
    levels = DEFAULT if whole or one.by != OUTSIDER else (1, 2, 3)
    found, report = heard(file, sealed.trust, levels, sealed.key_of_log)
    if whole and report is not None and said(report) == sealed.says:
        outcome.same += 1
        return
    if found is None and one.by == OUTSIDER and not whole:
        found, _ = heard(file, sealed.trust, (4, 6), sealed.key_of_log)
    outcome.tried += 1
    if found is not None:
        outcome.found[found] += 1
        return
    by = next(filter(None, (row.found_by(sealed, file, folder) for row in beyond(one))), None)
    if by is not None:
        outcome.further[by] += 1
    else:
        outcome.missed.append(one.name)
