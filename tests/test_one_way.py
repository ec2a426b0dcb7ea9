"""One way for each thing, where a program can tell: who opens pictures, writes atomically, bounds a block."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.support.sources import SOURCES, name_of

PLURAL = re.compile(
    r" (?:(?:more|different|new|other|stored) )?(?:images|rows|blocks|runs|files|folds|epochs|releases|snapshots|"
    r"entries|groups|roots|labels|times|trainings|people|persons|packs|CIDs|plans|steps|tokens|audits)\b"
)
ALONE: dict[str, tuple[Callable[[ast.AST], bool], set[str]]] = {}


def alone(*files: str) -> Callable[[Callable[[ast.AST], bool]], Callable[[ast.AST], bool]]:
    """Only ``files`` may hold what the function recognizes."""

    def known(says: Callable[[ast.AST], bool]) -> Callable[[ast.AST], bool]:
        ALONE[says.__name__] = says, set(files)
        return says

    return known


def _called(node: ast.AST) -> str:
    """The last name of what is called."""
    function = node.func if isinstance(node, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


@alone("registry/imaging/decode.py", "registry/imaging/other_readers.py")
def opens_a_picture(node: ast.AST) -> bool:
    if _called(node) in ("imread", "imdecode"):
        return True
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "open"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("Image", "Pillow", "PIL")
    )


@alone(
    "registry/files.py",
    "registry/workflows/images/uploading/uploads.py",  # its files are named by their digests, and linked
    "registry/provenance/keys/replacing.py",  # moves keys from folder to folder, none is written
    "registry/workflows/backup/staging.py",  # moves whole parts of a home to their places, each written before
)
def takes_the_name_of_another_file(node: ast.AST) -> bool:
    """``Path.replace`` has one argument, a text's has two, a struct's has names."""
    renames = isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords and _called(node) == "replace"
    return renames or _called(node) in ("mkstemp", "NamedTemporaryFile")


@alone(
    "registry/files.py",
    "registry/content/stores/packs.py",
    "registry/provenance/anchors/journal.py",
    "registry/content/stores/removal.py",
)
def makes_bytes_survive_a_crash(node: ast.AST) -> bool:
    """The others append to what they hold open, or overwrite it."""
    return _called(node) == "fsync"


@alone("registry/core/ipld/cid.py", "registry/jobs/disk_reserve.py")
def says_two_mebibytes(node: ast.AST) -> bool:
    """What a block has at most; the other is no block."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.LShift):
        return (ast.unparse(node.left), ast.unparse(node.right)) in (("2", "20"), ("1", "21"))
    return isinstance(node, ast.Constant) and node.value == 2 << 20


@alone()
def states_the_charset_of_a_text(node: ast.AST) -> bool:
    """Litestar adds it to every text: stated once more, it stands there twice."""
    if not (isinstance(node, ast.keyword) and node.arg == "media_type" and isinstance(node.value, ast.Constant)):
        return isinstance(node, ast.Dict) and any(
            isinstance(one, ast.Constant) and str(one.value).startswith("text/") and "charset" in str(one.value)
            for one in node.values
        )
    return "charset" in str(node.value.value)


@alone("registry/cli/from_file.py", "registry/cli/texts/run.py")  # of what is never one
def counts_in_a_command_without_counted(node: ast.AST) -> bool:
    """A number before its noun in the plural: of one, ``counted`` alone says it right."""
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return any(
        isinstance(number, ast.FormattedValue)
        and isinstance(noun, ast.Constant)
        and bool(PLURAL.match(str(noun.value)))
        for number, noun in pairwise(parts)
    )


IN_COMMANDS = {"counts_in_a_command_without_counted"}  # elsewhere a number is a bound, which is never one


@pytest.fixture(scope="module")
def doers() -> dict[str, set[str]]:
    """By what is done, the modules that do it."""
    done: dict[str, set[str]] = {what: set() for what in ALONE}
    for path in SOURCES:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        for what, (says, _) in ALONE.items():
            if what in IN_COMMANDS and not name_of(path).startswith("registry/cli/"):
                continue
            if any(says(node) for node in nodes):
                done[what].add(name_of(path))
    return done


@pytest.mark.parametrize("what", ALONE)
def test_each_thing_is_done_by_the_modules_that_are_named(what: str, doers: dict[str, set[str]]) -> None:
    assert doers[what] == ALONE[what][1]
