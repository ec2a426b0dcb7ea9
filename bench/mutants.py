"""`python -m bench.mutants [FILE ...]`: mutation testing of `registry/core` and the audit's checks, by mutmut.

Each mutant is one small change of the code; one that no test notices survives and is printed as a difference. It works
in a copy of the tree (its folder is printed: `mutmut browse` there looks closer) and runs for each mutant only the
tests that reach it, of those that TESTS names for its file. Without FILE everything in TESTS is done, which takes
hours; ``--minutes`` ends it earlier, and what was judged until then is counted all the same. A survivor whose
difference lies in an error's text, hint or code is counted apart: tests need not know sentences by heart.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = {  # a folder or file, and the quickest tests that judge it: the longest name that fits counts
    "registry/core": ("tests/core", "tests/core/test_draw.py", "tests/content/test_hamt.py"),
    "registry/core/draw.py": ("tests/core/test_draw_rule.py", "tests/core/test_draw.py"),
    "registry/core/issuers.py": ("tests/core/test_log.py", "tests/core/test_log_places.py"),
    "registry/core/log.py": ("tests/core/test_log.py", "tests/core/test_log_places.py"),
    "registry/core/tensors.py": ("tests/core/test_tensors.py", "tests/core/test_weights.py"),
    "registry/core/ipld": ("tests/core/ipld",),
    "registry/core/ipld/hamt.py": ("tests/content/test_hamt.py",),
    "registry/core/records": ("tests/core/records",),
    "registry/core/table": ("tests/core/table",),
    "registry/core/labeling/labeled_row.py": (
        "tests/core/labeling/test_labeled_row.py",
        "tests/content/labels",
    ),
    "registry/core/text/claim_text.py": ("tests/core/text/test_claim_text.py",),
    "registry/core/text/names.py": ("tests/core/text/test_names.py",),
    "registry/core/weights.py": ("tests/core/test_weights.py",),
    "registry/provenance/checks": ("tests/provenance/test_checks.py", "tests/provenance/checks"),
    "registry/provenance/checks/level1.py": ("tests/provenance/checks/test_blocks_and_tables.py",),
    "registry/provenance/checks/level2.py": ("tests/provenance/checks/test_signed_logs.py",),
    "registry/provenance/checks/level3.py": ("tests/provenance/checks/test_anchors_and_times.py",),
    "registry/provenance/checks/times.py": ("tests/provenance/checks/test_anchors_and_times.py",),
    "registry/provenance/checks/level4/attempts.py": ("tests/provenance/checks/test_attempts.py",),
    "registry/provenance/checks/level4/folds.py": ("tests/provenance/checks/test_data_and_folds.py",),
    "registry/provenance/checks/level4/items.py": ("tests/provenance/checks/test_data_and_folds.py",),
    "registry/provenance/checks/level6": ("tests/provenance/checks/test_figures_and_weights.py",),
}
CONFIG = """
[tool.mutmut]
source_paths = ["registry"]
only_mutate = {files}
also_copy = {beside}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider"]
"""
READ = """
import json
from mutmut import __main__ as mutmut
for path in mutmut.walk_mutatable_files():
    data = mutmut.SourceFileMutationData(path=path)
    data.load()
    for name, code in data.exit_code_by_key.items():
        state = mutmut.status_by_exit_code[code]
        change = mutmut.get_diff_for_mutant(name, path=path) if state in ("survived", "no tests") else ""
        print(json.dumps([name, state, change]))
"""  # by what mutmut's own "results" and "show" read, in one process: each of theirs takes seconds
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


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "CI": "true", "PYTHONPATH": str(folder)}


def _judge(folder: Path, children: int, minutes: float) -> None:
    """Let mutmut judge the mutants of a copy, for so many minutes at the most."""
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(children)]
    with subprocess.Popen(command, cwd=folder, env=_environment(folder)) as running:
        try:
            running.wait(60 * minutes)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            running.send_signal(signal.SIGINT)  # it writes down what it knows, and ends


def _only_said(change: str) -> bool:
    """Whether a mutant changes nothing but what an error says."""
    lines = [line for line in change.splitlines() if re.match(r"[-+](?![-+])", line) and line[1:].strip(" )(,")]
    return bool(lines) and all(SAID.search(line) for line in lines)


def _found(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Each mutant that was not killed: name, state, and its difference where it survived."""
    done = subprocess.run(
        [sys.executable, "-c", READ], cwd=folder, env=_environment(folder), stdout=subprocess.PIPE, check=True
    )
    for line in done.stdout.splitlines():
        yield json.loads(line)


def _tests_of(file: str) -> tuple[str, ...]:
    """The tests that judge a file or folder, and those of what lies below it."""
    fitting = max((name for name in TESTS if f"{file}/".startswith((f"{name}/", name))), key=len)
    below = [test for name, tests in TESTS.items() if name.startswith(f"{file}/") for test in tests]
    return (*TESTS[fitting], *below)


def run(files: list[str], children: int, minutes: float) -> None:
    """Print what survives of these files."""
    folder = Path(tempfile.mkdtemp(prefix="emotionet-mutants-"))
    beside = _copy(folder)
    tests = sorted({test for one in files for test in _tests_of(one)})
    wanted = [one if one.endswith(".py") else f"{one}/*" for one in files]
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as stream:
        stream.write(CONFIG.format(files=json.dumps(wanted), beside=json.dumps(beside), tests=json.dumps(tests)))
    _judge(folder, children, minutes)
    mutants = list(_found(folder))
    counts = Counter(state for _, state, _ in mutants)
    if not counts["killed"]:
        sys.exit(f"no mutant was judged: the tests fail without any, or mutmut is not here. Copy: {folder}")
    found = [(f"{name}: {state}", change) for name, state, change in mutants if state in ("survived", "no tests")]
    more = [(name, change) for name, change in found if not _only_said(change)]
    for name, change in more:
        print(f"\n{name}\n{change}")
    print(f"\n{len(mutants)} mutants of {', '.join(files)}, judged by {', '.join(tests)}:")
    print(", ".join(f"{count} {state}" for state, count in counts.most_common()))
    print(f"{len(found) - len(more)} of the {len(found)} that live change only what an error says. Copy: {folder}")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", default=list(TESTS), help="files or folders below those of TESTS")
    parser.add_argument("--minutes", type=float, default=24 * 60, help="stop after so many, and count what was judged")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="mutants tested side by side")
    wanted = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # mutmut inherits it, ignored where a shell began this
    if strange := [one for one in wanted.files if not (ROOT / one).exists() or not one.startswith(tuple(TESTS))]:
        parser.error(f"{', '.join(strange)}: not below {' or '.join(TESTS)}")
    run(wanted.files, wanted.children, wanted.minutes)


if __name__ == "__main__":
    main()
