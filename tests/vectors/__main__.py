"""`python -m tests.vectors [FOLDER]`: write the vectors of docs/format.md into ``format-1`` (or FOLDER)."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.vectors.families import (
    blocks,
    corrections,
    draws,
    entries,
    figures,
    handovers,
    intervals,
    labels,
    proofs,
    releases,
    rounds,
    rows,
    trees,
)
from tests.vectors.families.vector import Family, written

FOLDER = Path(__file__).parent / "format-1"
MODULES = (
    *(blocks, entries, handovers, rows, draws, labels, figures, corrections, intervals, releases),
    *(proofs, trees, rounds),
)
FAMILIES: tuple[Family, ...] = tuple(one for module in MODULES for one in module.FAMILIES)


def write(folder: Path) -> None:
    """Every family's file."""
    folder.mkdir(parents=True, exist_ok=True)
    for family in FAMILIES:
        (folder / f"{family.name}.json").write_text(written(family), encoding="ascii")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.vectors", description="Write the vectors of docs/format.md.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="where to write them")
    write(parser.parse_args().folder)
