"""No text of a record steers a terminal, or turns what stands there; what goes elsewhere is exact."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from registry.cli.output import Output, json_text, plain, show, table
from registry.cli.row_output import write_rows
from registry.cli.texts.figures import later_line

EVIL = "a\x1b[2Jb\x7f\x9b31mc\u202ed\u2066e\U000e0041f"
STEERING = [one for one in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(one) in ("Cc", "Cf")]


def on_a_terminal(work: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """What a pseudo-terminal gets from ``work``."""
    main, other = os.openpty()
    with os.fdopen(other, "w", encoding="utf-8") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        work()
        print("END", flush=True)
        got = b""
        while not got.endswith(b"END\r\n"):  # a terminal passes on a line at a time
            got += os.read(main, 65536)
    os.close(main)
    return got.decode().replace("\r\n", "\n")


def test_every_control_and_format_character_is_taken_out() -> None:
    kept = [one for one in STEERING if plain(one) == one]
    assert kept == ["\t", "\n"]
    raw = [one for one in STEERING if one in json_text(one)]
    assert raw == []
    assert json.loads(json_text(STEERING)) == STEERING


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_rows_are_laid_out_for_a_terminal(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    got = on_a_terminal(lambda: write_rows([{"name": EVIL}], form, None), monkeypatch)
    assert "name" in got
    assert not set(got) & set(STEERING) - {"\n"}


@pytest.mark.parametrize(("as_json", "quiet"), [(True, False), (False, True), (False, False)])
def test_documents_are_laid_out_for_a_terminal(as_json: bool, quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    output = Output(as_json=as_json, quiet=quiet)

    def work() -> None:
        output.document({"name": EVIL}, identity="name", text=[EVIL])
        output.lines([{"name": EVIL}], identity="name", columns=["name"])

    got = on_a_terminal(work, monkeypatch)
    assert got.count("31mc") == 2
    assert not set(got) & set(STEERING) - {"\n"}


def test_what_goes_elsewhere_is_exact(capsys: pytest.CaptureFixture[str]) -> None:
    show(EVIL)
    write_rows([{"name": EVIL}], "csv", None)
    write_rows([], "csv", None)
    assert capsys.readouterr().out == f"{EVIL}\nname\n{EVIL}\n"
    write_rows([{"name": EVIL}], "json", None)
    assert json.loads(capsys.readouterr().out) == [{"name": EVIL}]


@pytest.mark.parametrize(
    ("value", "low", "high", "reason", "said"),
    [
        ("0.555556", "0.266651", "0.811221", None, "open, 0.555556 [0.266651, 0.811221]"),
        ("0.555556", "0.266651", None, None, "open, 0.555556 [0.266651, –]"),
        ("0.555556", None, None, None, "open, 0.555556"),
        (None, None, None, "too_few", "open (not estimable: too few images)"),
        (None, None, None, None, "open"),
    ],
)
def test_a_claim_after_the_fact_says_what_is_known(
    value: str | None, low: str | None, high: str | None, reason: str | None, said: str
) -> None:
    claim = {"metric": "m", "comparator": ">=", "threshold": "0.1", "verdict": "open", "needed": None}
    found = {**claim, "value": value, "low": low, "high": high, "reason": reason}
    assert later_line(found) == f"after the fact: m >= 0.10: {said}"


def test_a_strangers_text_takes_its_own_line_alone() -> None:
    """A report must not be written by what it reports."""
    lines = table(["check", "why"], [["5.dropped", "1 odd\n7.predictions  holds"], ["6.card", "a\tb"]]).split("\n")
    assert [line.split()[0] for line in lines] == ["check", "5.dropped", "6.card"]
