"""`make bench`: each measurement beside its baseline in the same minute; machines are noisy, so read the ratios."""

from __future__ import annotations

import hashlib
import importlib
import subprocess
import sys
from collections.abc import Callable

from bench import content, fetch
from bench.measure import compare, seconds
from registry.core.table import tables
from registry.core.table.columns import Shape

LONG = (
    "catalog",
    "training",
    "cleaning",
    "memory",
    "scaling",
    "coverage",
    "attempts",
    "exact",
    "evaluation",
    "commands",
    "again",
    "audit",
    "hostile",
    "pages",
    "snapshots",
    "registering",
    "beside",
    "importing",
    "uploading",
    "kills",
    "api",
    "tail",
    "size",
    "fresh",
    "stores",
    "machines",
    "gas",
)  # asked for by name


def table_of_rows() -> None:
    """A table of 100,000 rows."""
    rows = [[hashlib.sha256(b"%d" % number).digest(), number % 5] for number in range(100_000)]
    blocks: dict[object, bytes] = {}
    shape = Shape("bench", 1, ("sha256", "fold"), ("sha256",))
    build = lambda: tables.build(shape, rows, lambda cid, data: blocks.update({cid: data}))  # noqa: E731
    compare(
        "build a table of 100,000 rows", lambda: seconds(build), lambda: seconds(lambda: sorted(rows)), "sort the rows"
    )


def start_up() -> None:
    """What a user waits for before anything happens."""

    def python(*arguments: str) -> Callable[[], float]:
        command = [sys.executable, *arguments]
        return lambda: seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))

    nothing = python("-c", "pass")
    compare("import registry", python("-c", "import registry"), nothing, "an empty Python")
    compare("emotionet --help", python("-m", "registry.cli.main", "--help"), nothing, "an empty Python")


def main() -> None:
    """`python -m bench`: what needs minutes alone; `python -m bench NAME ...`, of `LONG`: that alone."""
    if sys.argv[1:]:
        name, *given = sys.argv[1:]
        if name not in LONG:
            raise SystemExit(f"no such measurement: {name}; there are {', '.join(LONG)}")
        importlib.import_module(f"bench.{name}").main(given)
        return
    content.main()
    fetch.main()
    table_of_rows()
    start_up()


if __name__ == "__main__":
    main()
