"""What the documents name is there: modules, paths, links, commands of make; and the picture is that of the code."""

from __future__ import annotations

import argparse
import itertools
import re
from pathlib import Path

import pytest

from bench import checks, fields, rooms
from bench.book import reference, translate
from registry.cli.parser import build_parser
from tests.conftest import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
METHOD_OPTIONS = {"--folds", "--repeats", "--seed", "--epochs", "--imgsz", "--batch", "--base"}  # yolov8's, of `train`
HISTORY = {"CHANGELOG.md"}  # says what was
WITHOUT_HISTORY = [path for path in DOCUMENTS if path.name not in HISTORY]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def is_there(dotted: str) -> bool:
    """Whether a dotted name is a module, a package, or something that its module holds."""
    path = ROOT.joinpath(*dotted.split("."))
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    module = path.parent.with_suffix(".py") if path.parent.with_suffix(".py").is_file() else path.parent / "__init__.py"
    return module.is_file() and re.search(rf"\b{path.name}\b", module.read_text(encoding="utf-8")) is not None


@pytest.mark.parametrize("path", WITHOUT_HISTORY, ids=name_of)
def test_modules_that_a_document_names_are_there(path: Path) -> None:
    named = re.findall(r"`((?:registry|pipeline|bench)(?:\.[A-Za-z_][\w]*)+)", path.read_text(encoding="utf-8"))
    assert [name for name in named if not name.endswith(".py") and not is_there(name)] == []


@pytest.mark.parametrize("path", WITHOUT_HISTORY, ids=name_of)
def test_paths_that_a_document_names_are_there(path: Path) -> None:
    pattern = r"`((?:registry|pipeline|bench|tests|docs|migrations|contracts_abi)/[\w./-]+)`"
    named = re.findall(pattern, path.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)\)", path.read_text(encoding="utf-8"))
    assert [one for one in targets if "://" not in one and not (path.parent / one).exists()] == []


def anchors(path: Path) -> set[str]:
    """Of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "path", [ROOT / "docs" / "format.md", *sorted((ROOT / "docs" / "format").glob("*.md"))], ids=name_of
)
def test_links_into_the_format_lead_to_a_heading(path: Path) -> None:
    links = re.findall(r"\]\(([\w./-]*)#([^)\s]+)\)", path.read_text(encoding="utf-8"))
    assert [(to, at) for to, at in links if at not in anchors(path.parent / to if to else path)] == []


def test_the_fields_of_records_are_those_of_the_code() -> None:
    assert fields.FILE.read_text(encoding="utf-8") == fields.made(), "older than the code: python -m bench.fields"


@pytest.mark.parametrize("path", WITHOUT_HISTORY, ids=name_of)
def test_what_a_document_says_to_make_can_be_made(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    named = re.findall(r"(?:`|^ {4})make ([a-z]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) - targets == set()


def options_of(words: list[str]) -> tuple[set[str], list[str]]:
    """The options of the command that some words name, and the words that are none of its verbs."""
    parser: argparse.ArgumentParser = build_parser()
    options: set[str] = set()
    for place, word in enumerate(words):
        options |= {name for action in parser._actions for name in action.option_strings}
        below = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if not below:
            return options, []
        if word not in below[0]:
            return options, words[place:]
        parser = below[0][word]
    return options | {name for action in parser._actions for name in action.option_strings}, []


@pytest.mark.parametrize("path", WITHOUT_HISTORY, ids=name_of)
def test_commands_that_a_document_names_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"(?:`|^ {4}(?:\$ )?)emotionet ([a-z][^`\n]*)", text, re.MULTILINE)
    for command in named:
        words = re.split(r"\s+", re.split(r"\s+(?:#|&&|>|\|) ?", command)[0])
        verbs = list(itertools.takewhile(lambda word: re.fullmatch("[a-z][a-z-]*", word), words))
        options, unknown = options_of(verbs)
        assert not unknown, f"{path.name}: emotionet {command}"
        # of a method's options the parser learns when a command runs
        wrong = {word.partition("=")[0] for word in words if word.startswith("--")} - options - METHOD_OPTIONS
        assert not wrong, f"{path.name}: emotionet {command}: {wrong}"


def test_the_picture_is_that_of_the_code() -> None:
    assert rooms.FILE.read_text(encoding="utf-8") == rooms.draw(), "the picture is older than the code: make picture"


def test_the_picture_has_every_layer_and_every_import_in_it() -> None:
    boxes = [*(box for row in rooms.layers() for box in row), rooms.APART]
    found = rooms.imports(boxes)
    assert "registry.core" in found["pipeline"]
    assert found.get("registry.core", set()) == set()
    drawn = rooms.draw()
    for box in boxes:
        assert f">{box.removeprefix('registry.')}</text>" in drawn


def test_the_tables_of_checks_are_those_of_the_list() -> None:
    text = checks.FILE.read_text(encoding="utf-8")
    assert checks.levels(text) == list(range(1, 9))
    assert text == checks.made(text), "older than the list: python -m bench.checks"


def test_the_reference_is_that_of_the_code() -> None:
    for name, made in reference.PAGES.items():
        text = (reference.FOLDER / name).read_text(encoding="utf-8")
        assert text == made().rstrip("\n") + "\n", "older than the code: python -m bench.book.reference"


def test_translated_pages_are_whole(tmp_path: Path) -> None:
    translate.extract(tmp_path)
    for language, page in itertools.product(translate.LANGUAGES, translate.TRANSLATED):
        here = translate.messages(translate.catalog(language, page))
        assert here.keys() == translate.messages(tmp_path / f"{page}.pot").keys(), "python -m bench.book.translate"
        assert [text for text, one in here.items() if not one.string or one.fuzzy] == [], page
