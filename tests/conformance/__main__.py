"""``python -m tests.conformance [--batch] [--only TEXT] VERIFIER...``: which vectors a verifier passes.

The protocol is docs/conformance.md's. Exit status 0: nothing wrong (checks that it says it does not make are listed).
``--write FOLDER`` only writes the files and ``expected.json``. What a verifier may trust is in its environment.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.conformance.evidence import trusted
from tests.conformance.judged import Judgement, judge
from tests.conformance.vectors import Vector, vectors

SECONDS = 60  # for a file


def write(folder: Path, chosen: Sequence[Vector]) -> list[Path]:
    """The files, and ``expected.json`` beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    expected = {
        one.file_name: {"name": one.name, "holds": one.holds, "fails": one.fails, "unshown": one.unshown}
        for one in chosen
    }
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
    paths = [folder / one.file_name for one in chosen]
    for one, path in zip(chosen, paths, strict=True):
        one.put(path)
    return paths


def run(command: Sequence[str], chosen: Sequence[Vector], folder: Path, *, batch: bool) -> list[Judgement]:
    """What each vector came to. With ``batch`` one process is given all files, and prints a line for each."""
    paths = write(folder, chosen)
    if batch:
        done = _ask(command, paths, SECONDS * len(paths))
        lines = [] if done is None else [_document(line) for line in done.stdout.splitlines()]
        lines += [None] * (len(paths) - len(lines))
        return [judge(one, line) for one, line in zip(chosen, lines, strict=False)]
    return [_alone(command, one, path) for one, path in zip(chosen, paths, strict=True)]


def _alone(command: Sequence[str], one: Vector, path: Path) -> Judgement:
    done = _ask(command, [path], SECONDS)
    if done is None:
        return Judgement(one.name, "wrong", f"no answer within {SECONDS} s")
    return judge(one, _document(done.stdout), done.returncode)


def _ask(command: Sequence[str], paths: Sequence[Path], seconds: int) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            [*command, *map(str, paths)],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            timeout=seconds,
            env={**os.environ, **trusted()},
        )
    except subprocess.TimeoutExpired:
        return None


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def main() -> int:
    """Print what did not pass, and how many did."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description="Run a verifier on the vectors.")
    parser.add_argument("--batch", action="store_true", help="give it all files at once; it prints a line for each")
    parser.add_argument("--only", default="", help="vectors whose name contains this")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="only write the files and expected.json")
    parser.add_argument("verifier", nargs=argparse.REMAINDER, help="the command; a file's path is put behind it")
    given = parser.parse_args()
    chosen = [one for one in vectors() if given.only in one.name]
    if given.write is not None:
        print(f"{len(write(given.write, chosen))} files in {given.write}")
        return 0
    if not given.verifier:
        parser.error("name a verifier")
    with tempfile.TemporaryDirectory() as folder:
        judged = run(given.verifier, chosen, Path(folder), batch=given.batch)
    for one in judged:
        if one.state != "passed":
            print(f"{one.state:8}  {one.name}: {one.why}")
    counted = Counter(one.state for one in judged)
    print(
        f"{len(judged)} vectors: {counted['passed']} passed, {counted['not made']} not made, {counted['wrong']} wrong"
    )
    return 1 if counted["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
