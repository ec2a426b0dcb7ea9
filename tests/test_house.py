"""The rules of the house that a program can check: sizes, pins, no hosts where none belong, one version."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry import __version__
from tests.conftest import ROOT
from tests.support.sources import SOURCES, TESTS, Judged, Rule, folders

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
LINES, FUNCTION_LINES = 280, 50  # the aim is 250 and 15


JUDGED = Judged()
FOLDERS = folders(SOURCES)
in_every_folder = pytest.mark.parametrize("paths", FOLDERS.values(), ids=FOLDERS)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def size(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without the docstring."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@JUDGED.rule
def large(text: str, tree: ast.Module) -> list[object]:
    """The module itself, and its functions, with their lines."""
    lines = len(text.splitlines())
    found: list[object] = [("the module", lines)] if lines > LINES else []
    return found + [(node.name, size(node)) for node in functions(tree) if size(node) > FUNCTION_LINES]


@in_every_folder
def test_modules_and_functions_stay_small(paths: list[Path]) -> None:
    assert list(JUDGED.breaks(large, paths)) == []


@JUDGED.rule
def runs_modules_of_the_current_folder(text: str, tree: ast.Module) -> list[object]:
    """Lines of lists that start an interpreter by ``-m`` without ``-P``: it would take modules from where it runs."""
    found: list[object] = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.List, ast.Tuple)):
            said = [one.value for one in node.elts if isinstance(one, ast.Constant)]
            if "-m" in said and "-P" not in said[: said.index("-m")]:
                found.append(node.lineno)
    return found


@in_every_folder
def test_no_process_takes_modules_from_the_folder_that_it_runs_in(paths: list[Path]) -> None:
    assert list(JUDGED.breaks(runs_modules_of_the_current_folder, paths)) == []


@JUDGED.rule
def says_nothing(text: str, tree: ast.Module) -> list[object]:
    """A module without a docstring; an empty one needs none."""
    return ["no docstring"] if text and not ast.get_docstring(tree) else []


@in_every_folder
def test_every_module_says_what_it_is_for(paths: list[Path]) -> None:
    assert list(JUDGED.breaks(says_nothing, paths)) == []


@JUDGED.rule
def without_hint(text: str, tree: ast.Module) -> list[object]:
    """Lines of errors of usage that leave the way out unsaid."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UsageError"
        if not any(keyword.arg == "hint" for keyword in node.keywords)
    ]


@in_every_folder
def test_whoever_used_it_wrongly_is_told_the_way_out(paths: list[Path]) -> None:
    assert list(JUDGED.breaks(without_hint, paths)) == []


def test_each_rule_finds_what_breaks_it() -> None:
    def found(rule: Rule, text: str) -> list[object]:
        return list(rule(text, ast.parse(text)))

    assert found(large, "\n" * LINES + "x = 1\n") == [("the module", LINES + 1)]
    assert found(large, "def f():\n" + "    x = 1\n" * (FUNCTION_LINES + 1)) == [("f", FUNCTION_LINES + 1)]
    assert found(runs_modules_of_the_current_folder, "a = 1\nb = [c, '-m', 'd']\n") == [2]
    assert found(runs_modules_of_the_current_folder, "b = [c, '-P', '-m', 'd']\n") == []
    assert found(says_nothing, "x = 1\n") == ["no docstring"]
    assert found(without_hint, "raise UsageError('no')\nraise UsageError('no', hint='so.')\n") == [1]
    assert found(uses_the_orm, "from sqlalchemy import orm\n") == ["sqlalchemy.orm"]
    assert found(short_names, "def test_it() -> None: ...\n") == ["test_it"]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    lines = [line for line in CONSTRAINTS.splitlines() if line and not line.startswith("#")]
    return dict(line.split("==") for line in lines)


def test_constraints_are_exact_versions_without_hosts() -> None:
    for line in CONSTRAINTS.splitlines():
        assert line.startswith("#") or re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line), line
    assert list(pins()) == sorted(pins())


def test_every_direct_dependency_is_pinned() -> None:
    wanted = [*PROJECT["dependencies"], *(line for one in PROJECT["optional-dependencies"].values() for line in one)]
    names = {normal(re.match(r"[A-Za-z0-9._-]+", line).group()) for line in wanted}  # type: ignore[union-attr]
    assert names - set(pins()) - {PROJECT["name"]} == set()  # the extra for tests takes the others in


def test_the_version_stands_in_one_place_and_the_changelog_follows_it() -> None:
    """``registry/__init__.py`` says it; what is built reads it there (setuptools' ``attr``)."""
    assert "version" not in PROJECT
    assert PYPROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "registry.__version__"}
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", changes, re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == __version__
    for name in ("docker-compose.yml", "Dockerfile", "README.md", ".ci/run", ".ci/auditor", "Makefile"):
        assert __version__ not in (ROOT / name).read_text(encoding="utf-8"), name


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere in it, and ``module.name`` for each name that is taken from one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{one.name}" for one in node.names))


@JUDGED.rule
def uses_the_orm(text: str, tree: ast.Module) -> list[object]:
    """What is imported of SQLAlchemy's ORM."""
    return [name for name in imported(tree) if name.startswith(("sqlalchemy.orm", "sqlalchemy.ext"))]


def test_sqlalchemys_orm_is_used_nowhere() -> None:
    """The catalog works on Core connections; loading the ORM would cost every command its time."""
    assert list(JUDGED.breaks(uses_the_orm, SOURCES)) == []


def test_the_licence_is_the_one_that_is_named() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["license"] == "AGPL-3.0-only"
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in text
    assert "Version 3, 19 November 2007" in text
    assert len(text) > 30_000


def test_what_ci_runs_is_what_the_makefile_offers() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    everyday = {"help", "install", "demo", "test", "check", "fix", "clean"}
    assert targets == everyday | {"coverage", "mutants", "picture", "bench", "schemathesis", "tampering", "docs"}
    ci = ROOT / ".ci" / "run"
    assert ci.stat().st_mode & 0o111
    used = set(re.findall(r"make (?:--\S+ )*([a-z]+)", ci.read_text(encoding="utf-8")))
    assert {"install", "check", "demo", "test"} <= used


@JUDGED.rule
def short_names(text: str, tree: ast.Module) -> list[object]:
    """Names of tests of fewer than three words."""
    return [node.name for node in functions(tree) if node.name.startswith("test_") and node.name.count("_") < 3]


TEST_FOLDERS = folders(TESTS)


@pytest.mark.parametrize("paths", TEST_FOLDERS.values(), ids=TEST_FOLDERS)
def test_names_of_tests_are_sentences(paths: list[Path]) -> None:
    """As far as a program can tell: three words at least."""
    assert list(JUDGED.breaks(short_names, paths)) == []
