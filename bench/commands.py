"""What a command of the shell costs before it answers: `lineage`, `images list` and the help, beside an empty Python.

`python -m bench commands [ROUNDS]`: wall and CPU seconds (user and system) of each, medians of ROUNDS (10) in turn, and
the least CPU seconds, which other work adds least to. Modules are compiled once, as where Emotionet is installed.
On a machine with other work the wall tells of that work; the ratio of CPU seconds is what to compare.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.drawn import draw
from registry.assembly import open_home
from registry.catalog.queries.labeled_images.images import list_images
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source

CLI = ("-m", "registry.cli.main")


def _prepared(folder: Path) -> tuple[dict[str, str], str]:
    """The environment of a home with a few drawn faces, and the CID of one of them."""
    draw(folder / "faces", persons=3, side=64)
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    environment = {**os.environ, **compiled, "EMOTIONET_HOME": str(folder / "home")}
    opened = open_home(read_settings(environment))
    import_source(opened, str(folder / "faces"))
    with opened.catalog.read() as db:
        cid = str(list_images(db)[0][0]["cid"])
    opened.close()
    return environment, cid


def _once(arguments: tuple[str, ...], environment: dict[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of one Python with these arguments."""
    begin = time.perf_counter()
    child = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {child.returncode}")
    return wall, used.ru_utime + used.ru_stime


def main(given: list[str]) -> None:
    """Print a line for each command."""
    rounds = int(given[0]) if given else 10
    with tempfile.TemporaryDirectory() as folder:
        environment, cid = _prepared(Path(folder))
        commands = {
            "python -c pass": ("-c", "pass"),
            "python -c 'import sqlalchemy'": ("-c", "import sqlalchemy, sqlalchemy.dialects.sqlite"),
            "emotionet --help": (*CLI, "--help"),
            "emotionet images list": (*CLI, "images", "list"),
            "emotionet lineage CID": (*CLI, "lineage", cid),
        }
        for arguments in commands.values():
            _once(arguments, environment)  # unheeded: what is compiled or read from disk the first time
        taken = {name: list[tuple[float, float]]() for name in commands}
        for _ in range(rounds):
            for name, arguments in commands.items():
                taken[name].append(_once(arguments, environment))
    least = statistics.median(cpu for _, cpu in taken["python -c pass"])
    for name, times in taken.items():
        wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
        ratio, lowest = cpu / least, min(cpu for _, cpu in times)
        print(
            f"{name:32} wall {wall:6.3f} s   CPU {cpu:6.3f} s, {ratio:5.1f} times an empty Python, least {lowest:.3f} s"
        )
