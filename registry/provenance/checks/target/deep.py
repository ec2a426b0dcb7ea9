"""What levels 5, 7 and 8 need beyond records: how much is looked at, where work is kept, whom to tell.

These levels are made only where they were asked for. They say what they will cost before they begin, tell how far they
are, and go on where a killed audit stopped: what lies in ``folder`` is their own, and is checked before it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import Protocol

from registry.core.progress import Progress, silent
from registry.core.sampling import Sample, draw_sample, finds, found_with
from registry.provenance.checks.target.rerun import Rerun


def say_nothing(sentence: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class DeepOptions:
    """What an auditor asks of the deeper levels. ``sample``: how many images or predictions at most; None: as many as
    is usual for a large target. ``fresh``: by a seed of the auditor's own, which the issuer could not know either."""

    sample: int | None = None
    all: bool = False  # no sample, however large
    fold: int | None = None  # level 8: which one; None: the sample's
    epochs: int | None = None  # level 8: only the first ones; None: all
    fresh: bool = False
    round: int | None = None  # draw by this drand round, as somebody else did


USUALLY = DeepOptions()


@dataclass(frozen=True)
class Watch:
    """Who watches a long audit. ``say``: a sentence, such as what a level will cost."""

    progress: Progress = silent
    say: Callable[[str], None] = say_nothing


NOBODY = Watch()


class Known(Protocol):
    """What was found of content by a program before: across audits and targets, by a key that covers both. A value
    that is there was put there whole; one that is not can be computed again."""

    def get(self, key: bytes) -> bytes | None:
        """What is known, None where it is not."""
        ...

    def put(self, found: Mapping[bytes, bytes]) -> None:
        """Keep it, so that it survives a kill."""
        ...


class NothingKnown:
    """Keeps nothing."""

    def get(self, key: bytes) -> bytes | None:
        """Nothing."""
        return None

    def put(self, found: Mapping[bytes, bytes]) -> None:
        """Nothing."""


def _no_rights(data: bytes) -> Mapping[str, str] | None:
    return None


@dataclass(frozen=True)
class Deep:
    """``folder`` is this target's own and is made by whoever first writes there; ``known`` keeps across targets what
    follows from content and program alone. ``sample`` None: all. ``rights`` reads what a picture says of its use (None:
    nothing here can)."""

    folder: Path
    known: Known = field(default_factory=NothingKnown)
    rights: Callable[[bytes], Mapping[str, str] | None] = _no_rights
    sample: Sample | None = None
    whole_up_to: int = 0  # where there are no more than these, all are looked at in spite of ``sample``
    drawn: list[tuple[int, int]] = field(default_factory=list)  # each sample that was drawn, and of how many
    clock: Callable[[], float] = monotonic  # seconds, to say what is left
    fold: int | None = None
    epochs: int | None = None
    watch: Watch = NOBODY
    rerun: Rerun | None = None  # runs methods for levels 7 and 8; None: nothing can be run here

    def chosen(self, keys: Iterable[bytes]) -> frozenset[bytes]:
        """The keys that are looked at: all, or the sample."""
        different = frozenset(keys)
        if self.sample is None or len(different) <= max(self.sample.count, self.whole_up_to):
            return different
        found = draw_sample(self.sample.seed, different, self.sample.count)
        self.drawn.append((len(found), len(different)))
        return found

    def one_of(self, count: int) -> int | None:
        """Which of ``count`` things is looked at where one costs as much as all the rest: the sample's, by its place
        (four bytes, big-endian); None where all are."""
        if self.sample is None:
            return None
        (drawn,) = draw_sample(self.sample.seed, [place.to_bytes(4, "big") for place in range(count)], 1)
        return int.from_bytes(drawn, "big")

    def told(self, size: int, of: int, what: str) -> str:
        """How many of how many were looked at; of a sample what chose it, and what it finds."""
        if self.sample is None or size >= of:
            return f"all {of} {what}"
        one = Fraction(1, 100)
        return (
            f"{size} of {of} {what}, drawn {self.sample.source}: they find 1 % of doctored ones with "
            f"{int(100 * finds(size, of, one))} %, and {found_with(size, of)} of {of} with 95 %"
        )
