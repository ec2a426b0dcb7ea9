"""What levels 5, 7 and 8 need beyond records: how much is looked at, where work is kept, whom to tell.

These levels are made only where they were asked for. They say what they will cost before they begin, tell how far they
are, and go on where a killed audit stopped: what lies in ``folder`` is their own, and is checked before it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from registry.core.progress import Progress, silent
from registry.core.sampling import Sample
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


USUALLY = DeepOptions()


@dataclass(frozen=True)
class Watch:
    """Who watches a long audit. ``say``: a sentence, such as what a level will cost."""

    progress: Progress = silent
    say: Callable[[str], None] = say_nothing


NOBODY = Watch()


@dataclass(frozen=True)
class Deep:
    """``folder`` is this target's own and is made by whoever first writes there; ``shared`` keeps across targets what
    follows from content and program alone. ``sample`` None: all."""

    folder: Path
    shared: Path
    sample: Sample | None = None
    fold: int | None = None
    epochs: int | None = None
    watch: Watch = NOBODY
    rerun: Rerun | None = None  # runs methods for levels 7 and 8; None: nothing can be run here
