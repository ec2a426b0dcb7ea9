"""`python -m bench.book.reference`: write what the book's reference takes from the code: each command with its options
from the parser, each recipe from its file. A test compares (tests/test_docs.py).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from bench.book.build import ROOT, SOURCE
from registry.cli.parser import build_parser

FOLDER = SOURCE / "reference"
RECIPES = ROOT / "pipeline" / "recipes"
_BY = "<!-- made by python -m bench.book.reference -->\n\n"
_COMMON = {"--help", "--json", "--quiet"}


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def _shown(action: argparse.Action) -> str:
    """An argument as it is typed."""
    takes = action.nargs != 0
    value = action.metavar or (
        "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    )
    names = ", ".join(action.option_strings)
    return f"{names} {value}" if names and takes else names or str(value)


def _rows(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or _COMMON & set(action.option_strings):
            continue
        about = "" if action.help in (None, argparse.SUPPRESS) else _cell(str(action.help).replace("%%", "%"))
        yield f"| `{_cell(_shown(action)).replace('&lt;', '<')}` | {about} |\n"


def _below(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    return {name: below for one in found for name, below in one.choices.items()}


def _commands(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    for below in _below(parser).values():
        about = (below.description or "").strip().splitlines()
        yield f"{'#' * level} {below.prog}\n\n{_cell(about[0]) if about else ''}\n\n"
        if rows := list(_rows(below)):
            yield "| argument | |\n|---|---|\n" + "".join(rows) + "\n"
        yield from _commands(below, min(level + 1, 4))


def commands() -> str:
    """The page of all commands."""
    head = (
        "# Commands\n\nEach command also takes `--help`, `--json` (documents on stdout) and `--quiet` (ids alone). "
        "`emotionet train` takes the options of its method too: `emotionet train --method NAME --help`.\n\n"
    )
    return _BY + head + "".join(_commands(build_parser(), 2))


def recipes() -> str:
    """The page of all recipes that come with the documented method."""
    shown = (
        f"## {path.stem}\n\n```toml\n{path.read_text(encoding='utf-8').strip()}\n```\n\n"
        for path in sorted(RECIPES.glob("*.toml"))
    )
    head = "# Recipes\n\nA recipe fixes how a model is trained and judged. Copy one, change it, and name your file by "
    return _BY + head + "`--recipe FILE`. [What every figure means](../metrics.md).\n\n" + "".join(shown)


PAGES = {"commands.md": commands, "recipes.md": recipes}


def main(folder: Path = FOLDER) -> None:
    """Write them."""
    folder.mkdir(exist_ok=True)
    for name, made in PAGES.items():
        (folder / name).write_text(made().rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
