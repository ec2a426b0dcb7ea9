"""Tables that fit a terminal: what is shortened, what is left out, what never is."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.cli.fit import display_width, fit, lines_of
from registry.cli.output import Output

CID = "bafyreieugtvczc3ruycm6j2yn4zhvwsiybik7y4faskucuzjgcskbgvpra"
OTHER = "bafyreieugtvczc3ruycm6j2yn4zhvwsiybik7y4faskucuzjgcskbgvprb"
DID = "did:pkh:eip155:1:0x87e27c035cd542c9d83e05cc3f5d5000564f36c9"
SHA256 = "01aafc749965f6d300ebf2b6f5159e7592fe374e480ea597c9798365e032b415"


def test_what_fits_is_left_whole() -> None:
    shown, left_out = fit(["cid", "n"], [[CID, "1"]], 100, ["n"])
    assert (shown, left_out) == ([["cid", "n"], [CID, "1"]], [])


def test_ids_are_shortened_in_the_middle_before_anything_is_left_out() -> None:
    shown, left_out = fit(["cid", "issuer", "sha256", "n"], [[CID, DID, SHA256, "1"]], 60, ["issuer"])
    assert shown[1] == ["bafyreieugtvc…vpra", "0x87e27c…36c9", "01aafc…b415", "1"]
    assert left_out == []


def test_ids_that_would_look_alike_are_shown_longer() -> None:
    shown, _ = fit(["cid", "x"], [[CID, "y" * 40], [CID[:-10] + "2" * 6 + "vpra", "y"]], 70)
    first, second = shown[1][0], shown[2][0]
    assert first != second
    assert first.startswith("bafyreieugtvczc3")
    assert len(shown[1][1]) < 40  # room was taken from what is no id


def test_ids_within_a_list_are_shortened_each() -> None:
    shown, _ = fit(["releases", "x"], [[f"{CID}, {OTHER}", "y"]], 50)
    assert shown[1][0] == "bafyreieugtvc…vpra, bafyreieugtvc…vprb"


def test_columns_are_left_out_in_the_stated_order_and_empty_ones_first() -> None:
    head = ["id", "names", "issuer", "time", "label"]
    row = ["r" * 13, "-", "somebody else", "2026-11-30T12:00:00Z", "feliz"]
    drop = ["issuer", "time"]
    assert fit(head, [row], 60, drop) == ([["id", "issuer", "time", "label"], [row[0], *row[2:]]], [])
    shown, left_out = fit(head, [row], 45, drop)
    assert (shown[0], left_out) == (["id", "time", "label"], ["issuer"])
    shown, left_out = fit(head, [row], 25, drop)
    assert (shown[0], left_out) == (["id", "label"], ["issuer", "time"])


def test_long_texts_end_with_a_sign_that_they_go_on() -> None:
    shown, _ = fit(["name", "verdict"], [["faces", "a long sentence of which not all is shown here"]], 30)
    assert shown[1] == ["faces", "a long sentence of whi…"]


def test_the_first_column_stays() -> None:
    shown, _ = fit(["cid", "n"], [[CID, "1"]], 10, ["cid", "n"])
    assert shown[0][0] == "cid"
    assert shown[1] == ["bafyreieu…"]


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Mn", "Me", "Mc")), max_size=40)
CELL = st.one_of(TEXT, st.sampled_from([CID, OTHER, DID, SHA256, f"{CID}, {DID}", "-", "", "名前の長いもの" * 4]))


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=4), st.integers(30, 150))
def test_no_line_is_wider_than_the_terminal(rows: list[list[str]], width: int) -> None:
    shown, _ = fit(["first", "second", "third"], rows, width, ["second"])
    assert len(shown) == len(rows) + 1
    assert max(map(display_width, lines_of(shown).split("\n"))) <= width


def printed(capsys: pytest.CaptureFixture[str], *, wide: bool = False) -> tuple[list[str], str]:
    rows = [{"cid": CID, "issuer": DID, "time": "2026-11-30T12:00:00Z", "more": "m" * 30}]
    output = Output(as_json=False, quiet=False, wide=wide)
    output.lines(rows, identity="cid", columns=["cid", "issuer", "time", "more"], drop=("issuer", "time"))
    out, err = capsys.readouterr()
    return out.splitlines(), err


def test_a_list_is_cut_on_a_terminal_alone_and_never_when_it_is_to_be_wide(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = f"{CID}  {DID}  2026-11-30T12:00:00Z  {'m' * 30}"
    monkeypatch.setenv("COLUMNS", "60")
    assert printed(capsys) == (printed(capsys)[0], "")
    assert printed(capsys)[0][1] == whole
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert printed(capsys, wide=True)[0][1] == whole
    lines, err = printed(capsys)
    assert lines[1] == f"bafyreieugtvc…vpra  {'m' * 30}"
    assert err == "left out for want of room: issuer, time; --wide shows all\n"
