"""The way out of an error over HTTP: a request or a page, never a command that its reader can't run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import registry
from registry.api.hints import FIELDS, HERE, REQUESTS, for_http
from registry.cli.parser import build_parser
from registry.core.errors import NotFound

ROOT = Path(registry.__file__).parent
ELSEWHERE = ("cli", "client", "demo")  # whose errors never reach HTTP
OF_THE_MACHINE = {  # commands with no address: what only the registry's own machine can do
    "accounts list", "anchor deploy", "backup", "catalog rebuild", "export ID", "follow", "follow --once",
    "follow ISSUER", "import it.car", "keys begin", "keys new", "keys rotate", "keys show",
    "restore FILE", "serve", "snapshot export", "token list", "token revoke",
    "token rotate", "unfollow ISSUER",
}  # fmt: skip
OF_THE_MACHINE_ALONE = {
    "--another",
    "--from",
    "--drop",
    "--hold",
    "--labels",
    "--map",
    "--plain-http",
    "--engine",
    "--output",
    "--port",
}


def hints() -> Iterator[tuple[str, str]]:
    """Where each hint of the source is written, and what it says; ``ID`` where a value stands in it."""
    for path in sorted(ROOT.rglob("*.py")):
        if path.relative_to(ROOT).parts[0] in ELSEWHERE:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            for text in (node.value,) if isinstance(node, ast.keyword) and node.arg == "hint" else ():
                for said in _texts(text):
                    yield f"{path.relative_to(ROOT)}:{text.lineno}", said


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(one.value) if isinstance(one, ast.Constant) else "ID" for one in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))


def test_every_hint_names_a_request_or_a_page_in_the_place_of_a_command() -> None:
    found = list(hints())
    assert sum("`emotionet " in said for _, said in found) > 30, "they are found at all"
    wrong = [one for where, said in found for one in _wrong(where, said)]
    assert not wrong, "\n".join(map(str, wrong))


def _wrong(where: str, said: str) -> Iterator[tuple[str, str]]:
    for page in (False, True):
        way = for_http(said, page=page) or ""
        left = {" ".join(one.split()[:2]) for one in re.findall(r"`emotionet ([^`]+)`", way)}
        options = set(re.findall(r"--[a-z][a-z-]*", way))
        fine = left <= OF_THE_MACHINE and bool(left) == way.startswith(HERE)
        if not fine or not (left or options <= OF_THE_MACHINE_ALONE):
            yield where, way


def test_every_command_that_is_replaced_is_one() -> None:
    known = build_parser().format_help()
    assert all(re.search(rf"^ +{words.split()[0]}\b", known, re.MULTILINE) for words in REQUESTS)
    assert all(option.startswith("--") for option in FIELDS)


@pytest.mark.parametrize(
    ("hint", "api", "page"),
    [
        ("`emotionet runs list` lists them.", "`GET /api/v1/runs` lists them.", "/runs lists them."),
        ("see `emotionet runs show r1`.", "see `GET /api/v1/runs/r1`.", "see /runs/r1."),
        (
            "see `emotionet images list --rights any`, or override it.",
            "see `GET /api/v1/images?right=any`, or override it.",
            "see /images?right=any, or override it.",
        ),
        ("say whose with --issuer.", "say whose with issuer.", "say whose with issuer."),
        ("run `emotionet catalog rebuild`.", HERE + "run `emotionet catalog rebuild`.", None),
        ("widen the filter.", "widen the filter.", "widen the filter."),
    ],
)
def test_a_hint_is_told_to_programs_and_to_people(hint: str, api: str, page: str | None) -> None:
    assert for_http(hint) == api
    assert for_http(hint, page=True) == (page or api)
    assert NotFound("x", hint=hint).hint == hint, "a command's reader gets it as it was written"
