"""The project's own modules, folder by folder, and what a rule asks of each: every module is parsed once for all."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from tests.conftest import ROOT

SOURCES = sorted(path for folder in ("registry", "pipeline", "contracts_abi") for path in (ROOT / folder).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
Rule = Callable[[str, ast.Module], Sequence[object]]
Found = dict[str, dict[str, Sequence[object]]]


def name_of(path: Path) -> str:
    """A path from the project's own folder on."""
    return str(path.relative_to(ROOT))


def folders(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """Paths by the folder that they lie in."""
    ordered = sorted(paths, key=lambda path: (path.parent, path))
    return {name_of(folder): list(inside) for folder, inside in groupby(ordered, key=lambda path: path.parent)}


class Judged:
    """What rules find in modules, by rule and module; a module is read when a rule is first asked about it."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}
        self._found: dict[Path, dict[str, Sequence[object]]] = {}

    def rule(self, rule: Rule) -> Rule:
        """Everything that breaks it, of a module's text and tree."""
        self._rules[rule.__name__] = rule
        return rule

    def breaks(self, rule: Rule, paths: Sequence[Path]) -> Iterator[tuple[str, Sequence[object]]]:
        """The modules that break a rule, and what in them."""
        for path in paths:
            if path not in self._found:
                text = path.read_text(encoding="utf-8")
                tree = ast.parse(text)
                self._found[path] = {name: list(one(text, tree)) for name, one in self._rules.items()}
            if found := self._found[path][rule.__name__]:
                yield name_of(path), found
