"""What the tutorial and the auditor's page tell their readers to type does what they say; drawn faces stand for
photographs, which can't ship with the project."""

from __future__ import annotations

import csv
import random
import shutil
from pathlib import Path

import pytest

from registry.demo.drawn_faces import EMOTIONS, draw_face, drawn_person
from tests.conftest import ROOT
from tests.support.shell_pages import Block, blocks, missing, run_page

DOCS = ROOT / "docs"


def photographs(folder: Path) -> None:
    """Ten drawn persons, four expressions each, with the table that the tutorial shows."""
    (folder / "images").mkdir(parents=True)
    r = random.Random(2023)
    rows = [("file", "label", "contributor", "subject")]
    for number in range(40):
        person, emotion = drawn_person(number // 4, random.Random(number // 4)), EMOTIONS[number % 4]
        image, _ = draw_face(person, emotion, r)
        image.save(folder / "images" / f"face_{number:04d}.png")
        rows.append((f"face_{number:04d}.png", emotion, f"drawer-{number % 3}", person.name))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)


@pytest.mark.slow
def test_whoever_follows_the_tutorial_ends_with_a_file_that_its_reader_can_check(tmp_path: Path) -> None:
    author, reader = tmp_path / "author", tmp_path / "reader"
    photographs(author / "photographs")
    run_page(DOCS / "tutorial.md", author)
    reader.mkdir()
    shutil.copy(author / "release.car", reader)
    run_page(DOCS / "sent-a-car.md", reader)
    assert (reader / "my-report.html").stat().st_size > 10_000


def test_blocks_are_run_in_order_and_what_they_print_is_compared() -> None:
    text = "```sh\nz\n```\n\nprose\n\n```text\na file\n```\n\n```sh\na\n"
    text += "```\n\n```text\none … two\n```\n\n    b\n\n```text\nan example\n```\n\n```sh\nc\n```\n"
    apart, first, second = blocks(text)
    assert apart == Block("z\n")
    assert first == Block("a\n", ("one … two",))
    assert second == Block("c\n")
    assert missing(first, "zero\none and two\n") == []
    assert missing(first, "one and three\n") == ["one … two"]


def test_a_page_whose_command_fails_or_prints_something_else_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for text, what in (
        ("```sh\nfalse\n```\n", "page.md"),
        ("```sh\necho this\n```\n\n```text\nthat\n```\n", "echo this"),
        ("nothing to run\n", "no block"),
    ):
        page.write_text(text, encoding="utf-8")
        with pytest.raises(AssertionError, match=what):
            run_page(page, tmp_path)
    page.write_text("```sh\nx=1\n```\n\n```sh\necho $x\n```\n\n```text\n1\n```\n", encoding="utf-8")
    run_page(page, tmp_path)
