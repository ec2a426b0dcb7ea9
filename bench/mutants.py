"""`python -m bench.mutants [FILE ...]`: mutation testing of `registry/core` and the audit's checks, by mutmut.

Each mutant is one small change of the code; one that no test notices survives and is printed as a difference. It works
in a copy of the tree (its folder is printed: `mutmut browse` there looks closer) and runs for each mutant only the
tests that reach it. Without FILE everything in TESTS is done, which takes hours. A survivor whose difference lies in an
error's text, hint or code is counted apart: tests need not know sentences by heart.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = {  # a folder, and the tests that are asked about it: the quickest that reach it
    "registry/core": ("tests/core", "tests/evaluation/test_folds.py", "tests/content/test_hamt.py"),
    "registry/provenance/checks": (
        "tests/workflows/test_forgeries.py",
        "tests/workflows/test_forged_plans.py",
        "tests/workflows/test_audit.py",
        "tests/provenance/test_checks.py",
    ),
}
CONFIG = """
[tool.mutmut]
source_paths = ["registry"]
only_mutate = {files}
also_copy = {beside}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider"]
"""
SAID = re.compile(r"""raise \w+\(|\b(code|hint)=|^[-+]\s*f?["'].*["'],?$""")


def _copy(folder: Path) -> list[str]:
    """The tree as git knows it, with what is not committed; its folders and files at the top."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    if (ROOT / ".tools").exists():
        (folder / ".tools").symlink_to((ROOT / ".tools").resolve())
    return sorted({name.partition("/")[0] for name in names} - {"registry", "tests", "pyproject.toml"})


def _mutmut(folder: Path, *arguments: str, quiet: bool = False) -> str:
    environment = {**os.environ, "CI": "true", "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE if quiet else None, text=True, check=False
    )
    return done.stdout or ""


def _only_said(change: str) -> bool:
    """Whether a mutant changes nothing but what an error says."""
    lines = [line for line in change.splitlines() if re.match(r"[-+](?![-+])", line) and line[1:].strip(" )(,")]
    return bool(lines) and all(SAID.search(line) for line in lines)


def _survivors(folder: Path) -> Iterable[tuple[str, str]]:
    for line in _mutmut(folder, "results", quiet=True).splitlines():
        name, _, state = line.strip().partition(": ")
        if state in ("survived", "no tests"):
            yield f"{name}: {state}", _mutmut(folder, "show", name, quiet=True)


def run(files: list[str], children: int) -> None:
    """Print what survives of these files."""
    folder = Path(tempfile.mkdtemp(prefix="emotionet-mutants-"))
    beside = _copy(folder)
    tests = sorted(
        {test for part, those in TESTS.items() for test in those if any(one.startswith(part) for one in files)}
    )
    wanted = [one if one.endswith(".py") else f"{one}/*" for one in files]
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as stream:
        stream.write(CONFIG.format(files=json.dumps(wanted), beside=json.dumps(beside), tests=json.dumps(tests)))
    _mutmut(folder, "run", "--max-children", str(children))
    _mutmut(folder, "export-cicd-stats", quiet=True)
    stats = folder / "mutants" / "mutmut-cicd-stats.json"
    counts = json.loads(stats.read_text(encoding="utf-8")) if stats.exists() else {"killed": 0}
    if not counts["killed"]:
        sys.exit(f"no mutant was judged: the tests fail without any, or mutmut is not here. Copy: {folder}")
    found = list(_survivors(folder))
    more = [(name, change) for name, change in found if not _only_said(change)]
    for name, change in more:
        print(f"\n{name}\n{change}")
    print(f"{counts['total']} mutants of {', '.join(files)}: {counts['killed']} killed, {counts['timeout']} timed out,")
    print(f"{len(found)} survived, {len(found) - len(more)} of them in what an error says. Copy: {folder}")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", default=list(TESTS), help="files or folders below those of TESTS")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="mutants tested side by side")
    wanted = parser.parse_args()
    if strange := [one for one in wanted.files if not (ROOT / one).exists() or not one.startswith(tuple(TESTS))]:
        parser.error(f"{', '.join(strange)}: not below {' or '.join(TESTS)}")
    run(wanted.files, wanted.children)


if __name__ == "__main__":
    main()
