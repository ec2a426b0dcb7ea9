"""The whole matrix: ``python -m tests.tampering [--count N] [--kind KIND] [--seed N] [--minutes N]``.

Prints how many variants were tried, missed and found by which check; exit status 1 where any was missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic

from tests.support.children import rerun_in_this_process
from tests.tampering.matrix import chosen, try_all
from tests.tampering.releases import KINDS
from tests.tampering.remembered import remembering


def main() -> int:
    """Try so many of each kind."""
    parser = argparse.ArgumentParser(prog="python -m tests.tampering")
    parser.add_argument("--count", type=int, default=4000, help="variants of each kind of release")
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument("--minutes", type=float, help="stop each kind after so many")
    asked = parser.parse_args()
    missed = 0
    for kind in asked.kind or KINDS:
        with tempfile.TemporaryDirectory() as folder, KINDS[kind](Path(folder)) as sealed, remembering() as patch:
            rerun_in_this_process(patch)
            variants = chosen(sealed, asked.count, asked.seed)
            until = monotonic() + 60 * asked.minutes if asked.minutes else None
            outcome = try_all(sealed, variants, Path(folder) / "deep", until)
        print(f"{kind}: {outcome}", flush=True)
        for name, count in sorted(Counter(outcome.missed).items()):
            print(f"  missed {count}: {name}")
        missed += len(outcome.missed)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
