"""Tries variants of a release, and tells which an audit missed.

What an outsider changes is asked of levels 1 to 3, since nothing is signed again; what the holder of the key changes of
levels 1 to 4 and 6. What these miss must be on the list of ``beyond``, and be found by what that names.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from registry.core.errors import EmotionetError
from tests.tampering.beyond import beyond
from tests.tampering.sealed import DEFAULT, File, Sealed, alarm
from tests.tampering.variants import HOLDER, OUTSIDER, STAMPS_KEPT, Tampering, Variant


@dataclass
class Outcome:
    """How many variants were tried, by which check they were found, and the names of those that were not."""

    tried: int = 0
    same: int = 0  # could not be made, or are the honest file
    found: Counter[str] = field(default_factory=Counter)
    further: Counter[str] = field(default_factory=Counter)  # that only what is on the list finds
    missed: list[str] = field(default_factory=list)

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
        except (EmotionetError, TypeError, AttributeError):  # no table or block can be so
            outcome.same += 1
            continue
        if (file.roots, set(file.sections)) == (sealed.file.roots, set(sealed.file.sections)):
            outcome.same += 1
            continue
        outcome.tried += 1
        _try(sealed, one, file, folder, outcome)
    return outcome


def _try(sealed: Sealed, one: Variant, file: File, folder: Path, outcome: Outcome) -> None:
    levels = (1, 2, 3) if one.by == OUTSIDER else DEFAULT
    found = alarm(file, sealed.trust, levels, sealed.key.did)
    if found is not None:
        outcome.found[found] += 1
        return
    named = beyond(one) if one.by in (HOLDER, STAMPS_KEPT) else None
    if named is not None and named.finds(sealed, file, folder):
        outcome.further[named.by] += 1
    else:
        outcome.missed.append(one.name)
