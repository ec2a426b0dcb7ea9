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

SOURCES = sorted(path for folder in ("registry", "pipeline", "contracts_abi") for path in (ROOT / folder).rglob("*.py"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
LINES, FUNCTION_LINES = 280, 50  # the aim is 250 and 15


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def size(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without the docstring."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES
    assert [(node.name, size(node)) for node in functions(ast.parse(text)) if size(node) > FUNCTION_LINES] == []


def runs_modules_of_the_current_folder(tree: ast.AST) -> Iterator[int]:
    """Lines of lists that start an interpreter by ``-m`` without ``-P``: it would take modules from where it runs."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.List, ast.Tuple)):
            said = [one.value for one in node.elts if isinstance(one, ast.Constant)]
            if "-m" in said and "-P" not in said[: said.index("-m")]:
                yield node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_process_takes_modules_from_the_folder_that_it_runs_in(path: Path) -> None:
    assert list(runs_modules_of_the_current_folder(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("path", [path for path in SOURCES if path.stat().st_size], ids=str)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def without_hint(tree: ast.AST) -> Iterator[int]:
    """Lines of errors of usage that leave the way out unsaid."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UsageError"):
            continue
        if not any(keyword.arg == "hint" for keyword in node.keywords):
            yield node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_whoever_used_it_wrongly_is_told_the_way_out(path: Path) -> None:
    assert list(without_hint(ast.parse(path.read_text(encoding="utf-8")))) == []


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


def test_sqlalchemys_orm_is_used_nowhere() -> None:
    """The catalog works on Core connections; loading the ORM would cost every command its time."""
    users = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if any(
            name.startswith(("sqlalchemy.orm", "sqlalchemy.ext"))
            for name in imported(ast.parse(path.read_text(encoding="utf-8")))
        )
    ]
    assert users == []


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
    assert targets == everyday | {"coverage", "mutants", "picture", "bench", "schemathesis"}
    ci = ROOT / ".ci" / "run"
    assert ci.stat().st_mode & 0o111
    used = set(re.findall(r"make (?:--\S+ )*([a-z]+)", ci.read_text(encoding="utf-8")))
    assert {"install", "check", "demo", "test"} <= used


TESTS = sorted((ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_of_tests_are_sentences(path: Path) -> None:
    """As far as a program can tell: three words at least."""
    names = [node.name for node in functions(ast.parse(path.read_text(encoding="utf-8")))]
    assert [name for name in names if name.startswith("test_") and name.count("_") < 3] == []
