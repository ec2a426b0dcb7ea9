"""Figures: well-formed, described in words, the same bytes each time; nothing from outside leaves its place."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.web import figures
from registry.web.svg import COLOURS, DASHES, picture, plain, shortened
from tests.web.example import drawings, result

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "</title><script>alert(1)</script>\" onload='x' &amp; \x00\ud800"


def parsed(drawing: str) -> ET.Element:
    root = ET.fromstring(drawing)
    assert root.tag == f"{SVG}svg"
    return root


def words(drawing: str) -> list[str]:
    return [element.text or "" for element in parsed(drawing).iter(f"{SVG}text")]


def description(drawing: str) -> str:
    found = parsed(drawing).find(f"{SVG}desc")
    assert found is not None
    return found.text or ""


def test_every_figure_is_described_and_refers_to_nothing() -> None:
    for title, drawing in drawings(result()):
        root = parsed(drawing)
        assert root.get("role") == "img"
        assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
        assert len(description(drawing)) > 20, title
        assert not re.search(r"href|url\(|<script|<image|<foreignObject|nan|inf", drawing.replace("xmlns", ""))


def test_same_data_same_bytes() -> None:
    assert drawings(result()) == drawings(result())


def test_everything_lies_inside() -> None:
    for title, drawing in drawings(result()):
        width, height = map(float, parsed(drawing).get("viewBox", "").split()[2:])
        for element in parsed(drawing).iter():
            for name, most in (
                ("x", width),
                ("x1", width),
                ("x2", width),
                ("y", height),
                ("y1", height),
                ("y2", height),
            ):
                assert 0 <= float(element.get(name, "0")) <= most, title


HOSTILE: list[Callable[[], str]] = [
    lambda: figures.bars(EVIL, {EVIL: 3, "b": 0}),
    lambda: figures.lines(EVIL, EVIL, EVIL, {EVIL: [["0.0", "1.0"]]}),
    lambda: figures.confusion(EVIL, [[1, 0]], [EVIL], normalized=True),
    lambda: figures.intervals(EVIL, [(EVIL, None, None, None)]),
    lambda: figures.training(EVIL, {EVIL: [(1, 2.0)]}),
    lambda: figures.scale(EVIL, None, None, None),
]


@pytest.mark.parametrize("draw", HOSTILE)
def test_hostile_names(draw: Callable[[], str]) -> None:
    root = parsed(draw())
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "text", "line", "rect", "polyline", "path", "circle",
    }  # fmt: skip
    assert not any(name.startswith("on") for element in root.iter() for name in element.attrib)


EMPTY: list[Callable[[], str]] = [
    lambda: figures.bars("t", {}),
    lambda: figures.bars("t", {"a": 0}),
    lambda: figures.lines("t", "x", "y", {}),
    lambda: figures.lines("t", "x", "y", {"a": []}),
    lambda: figures.confusion("t", [[0, 0]], ["a"], normalized=True),
    lambda: figures.intervals("t", []),
    lambda: figures.training("t", {}),
    lambda: figures.training("t", {"train 0": [(0, 0.0)]}),
    lambda: figures.training("t", {"train 0": [(1, float("inf"))], "val 0": [(1, float("nan"))]}),
]


@pytest.mark.parametrize("draw", EMPTY)
def test_nothing_to_show(draw: Callable[[], str]) -> None:
    drawing = draw()
    parsed(drawing)
    assert "nan" not in re.sub(r"<desc>.*</desc>", "", drawing)


def test_bars_say_count_and_share() -> None:
    assert words(figures.bars("t", {"a": 30, "b": 10})) == ["a", "30 (75 %)", "b", "10 (25 %)"]
    widths = [float(one.get("width", "0")) for one in parsed(figures.bars("t", {"a": 30, "b": 10})).iter(f"{SVG}rect")]
    assert widths[0] == pytest.approx(3 * widths[1], abs=0.2)


def test_confusion_shows_counts_or_shares() -> None:
    counts = [[3, 1, 0], [0, 0, 0]]
    assert words(figures.confusion("t", counts, ["a", "b"], normalized=False))[-3:] == ["0"] * 3
    shares = words(figures.confusion("t", counts, ["a", "b"], normalized=True))
    assert {"0.75", "0.25", "0.00", "nothing"} <= set(shares)
    assert shares[-3:] == ["–"] * 3  # nobody has class b: no share, not 0
    assert "truth a: 3 called a, 1 called b, 0 called nothing" in description(
        figures.confusion("t", counts, ["a", "b"], normalized=True)
    )


def test_intervals_say_not_estimable() -> None:
    drawing = figures.intervals("t", [("a", "0.500000", "0.400000", "0.600000"), ("b", None, None, None)])
    assert "not estimable" in words(drawing)
    assert drawing.count("<circle") == drawing.count("<path") == 1
    assert "b: not estimable" in description(drawing)


def test_series_differ_in_grey_too() -> None:
    drawing = figures.lines("t", "x", "y", {str(n): [["0", "0"], ["1", "1"]] for n in range(6)})
    found = [(one.get("stroke"), one.get("stroke-dasharray")) for one in parsed(drawing).iter(f"{SVG}polyline")]
    assert len({dash for _, dash in found}) == len({colour for colour, _ in found}) == 6
    assert len(set(DASHES)) == len(set(COLOURS)) == 6


def test_training_draws_validation_dashed() -> None:
    drawing = figures.training("t", {"train 0": [(1, 4.0), (2, 3.0)], "val 0": [(1, 5.0), (2, 4.0)]})
    one, other = parsed(drawing).iter(f"{SVG}polyline")
    assert one.get("stroke") == other.get("stroke")
    assert (one.get("stroke-dasharray"), other.get("stroke-dasharray")) == (None, DASHES[1])
    assert {"0", "1", "2", "3", "4", "5", "epoch", "loss"} <= set(words(drawing))


@given(st.floats(1e-6, 1e9))
def test_ticks_are_few_and_reach_the_top(most: float) -> None:
    ticks = figures._ticks(most)
    assert ticks[0] == 0
    assert 3 <= len(ticks) <= 12
    assert ticks[-1] >= most * 0.999999
    assert len({f"{value:g}" for value in ticks}) == len(ticks)


def test_scale_marks_the_claim() -> None:
    assert "stroke-dasharray" in figures.scale("macro_f1", "0.5", "0.4", "0.6", "0.900000")
    assert "claimed 0.900000" in description(figures.scale("macro_f1", "0.5", "0.4", "0.6", "0.900000"))


def test_small_helpers() -> None:
    assert shortened("x" * 30, 5) == "xxxx…"
    assert plain("a\x00b\ud800c\n") == "abc"
    assert 'fill="currentColor"' in picture("t", "d", [], 1, 1)
