"""Staged rows as groups: all that one contributor says of one image, in the order in which it came.

Invariants: groups come by rising image and contributor, as a contribution's table has them; a group has at most
``MAX_GROUP`` rows: of more, every part says that it is too large.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice
from operator import itemgetter

import msgspec

from registry.catalog.index.staged import Staged, StagedRow
from registry.workflows.images.registering.labeled_rows import NewRow

STEP = 1_000  # rows that are registered together by one entry of the log, until it is known what a step takes
LEAST, MOST = 250, 5_000  # and from then on
HOLD = 0.3  # seconds for which a step may keep others from writing
MAX_GROUP = 1000  # ten times as many as a picture can have boxes
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(NewRow).decode


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one image and contributor; ``too_large``: they are more than one statement can have."""

    rows: list[NewRow]
    too_large: bool = False


class Pace:
    """How many ``rows`` make a step: as many as the machine writes in ``HOLD`` seconds.

    A step costs a dozen flushes whatever its size, so large ones are cheap; but whoever wants to write one row waits
    for a step to end.
    """

    def __init__(self) -> None:
        self.rows = STEP

    def took(self, rows: int, seconds: float) -> None:
        """Tell it of a step."""
        self.rows = max(LEAST, min(MOST, int(rows * HOLD / max(seconds, 0.001))))


def stage(staged: Staged, rows: Iterable[NewRow]) -> None:
    """Let rows wait."""
    for row in rows:
        staged.add(row.sha256, row.contributor, _encode(row))


def steps(staged: Staged, pace: Pace | None = None) -> Iterator[list[Group]]:
    """The groups of a step at a time, of about ``STEP`` rows unless ``pace`` says how many."""
    step: list[Group] = []
    size = 0
    for group in _groups(chain.from_iterable(staged.rows())):
        step.append(group)
        size += len(group.rows)
        if size >= (pace.rows if pace else STEP):
            yield step
            step, size = [], 0
    if step:
        yield step


def _groups(rows: Iterable[StagedRow]) -> Iterator[Group]:
    for _, same in groupby(rows, key=itemgetter(0, 1)):
        parts = _parts(same)
        part, following = next(parts), next(parts, None)
        yield Group(part, following is not None)
        while following:
            yield Group(following, too_large=True)
            following = next(parts, None)


def _parts(rows: Iterator[StagedRow]) -> Iterator[list[NewRow]]:
    while part := [_decode(row.data) for row in islice(rows, MAX_GROUP)]:
        yield part
