"""The whole matrix: ``python -m tests.tampering [--count N] [--kind KIND] [--seed N] [--minutes N] [--out FILE]``.

Prints how many variants were tried, missed and found by which check; exit status 1 where any was missed, or an honest
file raised an alarm. With ``--out`` each part's result is a line of that file as soon as it is made, and a part that
has a line there is not made again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic

from tests.support.children import rerun_in_this_process
from tests.tampering.matrix import Outcome, chosen, false_alarms, try_all
from tests.tampering.releases import KINDS
from tests.tampering.remembered import remembering
from tests.tampering.sealed import Sealed

PART = 250  # variants


class Results:
    """Of parts, in a file or nowhere."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path is not None and path.exists() else []
        self._made = [json.loads(one) for one in lines]

    def of(self, kind: str, seed: int, part: int) -> Outcome | None:
        """What a part gave before."""
        for one in self._made:
            if (one["kind"], one["seed"], one["part"]) == (kind, seed, part):
                counts = Counter(one["found"]), Counter(one["further"])
                return Outcome(one["tried"], one["same"], *counts, one["missed"])
        return None

    def keep(self, kind: str, seed: int, part: int, outcome: Outcome) -> None:
        """Write it down."""
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as out:
                out.write(json.dumps({"kind": kind, "seed": seed, "part": part, **vars(outcome)}) + "\n")


def _tried(sealed: Sealed, folder: Path, asked: argparse.Namespace, results: Results) -> Outcome:
    until = monotonic() + 60 * asked.minutes if asked.minutes else None
    total = Outcome()
    variants = chosen(sealed, asked.count, asked.seed)
    for part in range((len(variants) + PART - 1) // PART):
        known = results.of(sealed.name, asked.seed, part)
        some = variants[part * PART : (part + 1) * PART]
        outcome = try_all(sealed, some, folder, until) if known is None else known
        if until is not None and monotonic() > until:
            break
        if known is None:
            results.keep(sealed.name, asked.seed, part, outcome)
        total.add(outcome)
    return total


def main() -> int:
    """Try so many of each kind."""
    parser = argparse.ArgumentParser(prog="python -m tests.tampering")
    parser.add_argument("--count", type=int, default=4000, help="variants of each kind of release")
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument("--minutes", type=float, help="stop each kind after so many")
    parser.add_argument("--out", type=Path, help="a file for results as they come")
    asked = parser.parse_args()
    wrong = 0
    for kind in asked.kind or KINDS:
        with tempfile.TemporaryDirectory() as folder, KINDS[kind](Path(folder)) as sealed, remembering() as patch:
            rerun_in_this_process(patch)
            alarms = false_alarms(sealed)
            outcome = _tried(sealed, Path(folder) / "deep", asked, Results(asked.out))
            alarms += false_alarms(sealed)
        print(f"{kind}: {outcome}; {len(alarms)} false alarms {sorted(set(alarms))}", flush=True)
        for name, count in sorted(Counter(outcome.missed).items()):
            print(f"  missed {count}: {name}")
        wrong += len(outcome.missed) + len(alarms)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
