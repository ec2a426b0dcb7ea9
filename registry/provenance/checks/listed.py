"""The list of every check: its title for the checks themselves, its row for docs/audit.md (``python -m
bench.checks``). Whoever adds a check adds its row to ``listing/``, and its title to ``web/words/report.toml``.

Invariant: in the order of levels; each id once.
"""

from __future__ import annotations

from registry.provenance.checks.listing import deep, level1, level2, level3, level4, level6
from registry.provenance.checks.listing.row import Listed

_ROWS = (*level1.ROWS, *level2.ROWS, *level3.ROWS, *level4.ROWS, *deep.ROWS, *level6.ROWS)
LISTED: dict[str, Listed] = {one.id: one for one in sorted(_ROWS, key=lambda one: one.level)}
WHOLE_LEVEL = "the checks of this level"  # the title of ``N.all``, which stands for a level that nobody asked for


def title_of(id: str) -> str:
    """A check's title. ``KeyError`` for one that is not listed."""
    return WHOLE_LEVEL if id.endswith(".all") else LISTED[id].title


def level_of(id: str) -> int:
    """The level that a check's id begins with."""
    return int(id.split(".")[0])
