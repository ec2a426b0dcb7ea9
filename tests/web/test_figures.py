"""Figures: well-formed, described in words, the same bytes each time; nothing from outside leaves its place."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.web.base import charts, figures
from registry.web.base.svg import COLOURS, DASHES, MARKERS, Drawing, picture, plain, shortened
from registry.web.base.words import Words
from tests.web.example import drawings

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "</title><script>alert(1)</script>\" onload='x' &amp; \x00\ud800"


def parsed(drawing: Drawing | str) -> ET.Element:
    root = ET.fromstring(drawing if isinstance(drawing, str) else drawing.svg)
    assert root.tag == f"{SVG}svg"
    return root


def words(drawing: Drawing | str) -> list[str]:
    return [element.text or "" for element in parsed(drawing).iter(f"{SVG}text")]


def description(drawing: Drawing | str) -> str:
    found = parsed(drawing).find(f"{SVG}desc")
    assert found is not None
    return found.text or ""


def test_every_figure_is_described_and_refers_to_nothing() -> None:
    for drawing in drawings():
        root = parsed(drawing)
        assert root.get("role") == "img"
        assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
        assert len(description(drawing)) > 20, drawing.title
        assert not re.search(r"href|url\(|<script|<image|<foreignObject|>nan|>inf", drawing.svg.replace("xmlns", ""))
        assert drawing.head
        assert drawing.rows
        assert all(len(row) == len(drawing.head) for row in drawing.rows)


def test_the_same_data_gives_the_same_bytes() -> None:
    assert drawings() == drawings()


def test_everything_lies_inside() -> None:
    for drawing in drawings():
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
                assert 0 <= float(element.get(name, "0")) <= most, drawing.title


T = Words("en")
LINE = [["0.0", "1.0"]]
HOSTILE: list[Callable[[], Drawing | str]] = [
    lambda: figures.bars(T, EVIL, {EVIL: (3, 1), "b": (0, 0)}),
    lambda: charts.lines(T, EVIL, (EVIL, EVIL), {EVIL: LINE}),
    lambda: figures.confusion(T, EVIL, [[1, 0]], [EVIL], normalized=True),
    lambda: figures.intervals(T, EVIL, [(EVIL, None, None, None, 3)]),
    lambda: charts.training(T, EVIL, {EVIL: ([["1", "2.0"]], [], None)}),
    lambda: figures.scale(T, EVIL, None, None, None),
    lambda: figures.reliability(T, EVIL, [["0.5", "0.5", "3"]]),
]


@pytest.mark.parametrize("draw", HOSTILE)
def test_hostile_names_are_escaped(draw: Callable[[], Drawing | str]) -> None:
    root = parsed(draw())
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "text", "line", "rect", "polyline", "polygon", "path", "circle",
    }  # fmt: skip
    assert not any(name.startswith("on") for element in root.iter() for name in element.attrib)


EMPTY: list[Callable[[], Drawing | str]] = [
    lambda: figures.bars(T, "t", {}),
    lambda: figures.bars(T, "t", {"a": (0, 0)}),
    lambda: charts.lines(T, "t", ("x", "y"), {}),
    lambda: charts.lines(T, "t", ("x", "y"), {"a": []}),
    lambda: figures.confusion(T, "t", [[0, 0]], ["a"], normalized=True),
    lambda: figures.intervals(T, "t", []),
    lambda: figures.reliability(T, "t", []),
    lambda: charts.training(T, "t", {}),
    lambda: charts.training(T, "t", {"fold 0": ([["0", "0.0"]], [], None)}),
    lambda: charts.training(T, "t", {"fold 0": ([], [], 3)}),
]


@pytest.mark.parametrize("draw", EMPTY)
def test_figures_of_nothing_are_drawn(draw: Callable[[], Drawing | str]) -> None:
    drawing = draw()
    parsed(drawing)
    assert "nan" not in (drawing if isinstance(drawing, str) else drawing.svg)


def test_bars_say_what_was_kept_and_what_was_dropped() -> None:
    drawing = figures.bars(T, "t", {"a": (30, 10), "b": (10, 0)})
    assert words(drawing) == ["a", "30 (75 %) + 10", "b", "10 (25 %)", "kept", "dropped"]
    bars = list(parsed(drawing).iter(f"{SVG}rect"))
    assert float(bars[0].get("width", "0")) == pytest.approx(3 * float(bars[1].get("width", "0")), abs=0.2)
    assert [one.get("fill") for one in bars[:2]] == [COLOURS[0], "none"]  # told apart without colour
    assert drawing.rows == (("a", "30", "10"), ("b", "10", "0"))


def test_confusion_shows_counts_or_shares() -> None:
    counts = [[3, 1, 0], [0, 0, 0]]
    assert words(figures.confusion(T, "t", counts, ["a", "b"], normalized=False))[-3:] == ["0"] * 3
    drawing = figures.confusion(T, "t", counts, ["a", "b"], normalized=True)
    assert {"0.75", "0.25", "0.00", "nothing"} <= set(words(drawing))
    assert words(drawing)[-3:] == ["–"] * 3  # nobody has class b: no share, not 0
    assert "as labelled a: 0.75 a, 0.25 b, 0.00 nothing" in description(drawing)
    assert "0,75" in words(figures.confusion(Words("es"), "t", counts, ["a", "b"], normalized=True))


def test_intervals_say_not_estimable_with_the_count() -> None:
    drawing = figures.intervals(T, "t", [("a", "0.500000", "0.400000", "0.600000", 40), ("b", None, None, None, 4)])
    assert {"not estimable", "b · 4"} <= set(words(drawing))
    assert drawing.svg.count("<circle") == drawing.svg.count("<path") == 1
    assert "b: not estimable" in description(drawing)


def test_intervals_of_many_groups_say_how_many_are_not_drawn() -> None:
    drawing = figures.intervals(T, "t", [(str(n), "0.5", "0.4", "0.6", 9) for n in range(60)])
    assert "and 12 more, in the table" in words(drawing)
    assert len(drawing.rows) == 60


def linear(colour: str) -> list[float]:
    values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]


def distance(one: list[float], other: list[float]) -> float:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def test_series_differ_without_colour() -> None:
    """Of 12 curves no two have the same dash and the same marker, so that grey and any colour blindness do."""
    drawing = charts.lines(T, "t", ("x", "y"), {str(n): [["0", "0"], ["1", "1"]] for n in range(12)})
    dashes = [one.get("stroke-dasharray") for one in parsed(drawing).iter(f"{SVG}polyline")]
    markers = [one.get("d") for one in parsed(drawing).iter(f"{SVG}path")][::3]  # two on the curve, one in the legend
    assert len(dashes) == len(markers) == len(set(zip(dashes, markers, strict=True))) == 12
    assert len(set(DASHES)) == len(set(COLOURS)) == 6
    assert len(set(MARKERS)) == 7
    for one, other in pairwise(zip(dashes, markers, strict=True)):
        assert one[0] != other[0]
        assert one[1] != other[1]


def test_colours_differ_for_deuteranopes() -> None:
    """Machado et al. 2009, severity 1."""
    matrix = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
    seen = [[sum(a * b for a, b in zip(row, linear(one), strict=True)) for row in matrix] for one in COLOURS]
    assert all(distance(one, other) > 0.08 for one, other in pairwise(seen))


def test_training_shades_the_gap_and_draws_validation_dashed() -> None:
    drawing = charts.training(T, "t", {"fold 0": ([["1", "4"], ["2", "3"]], [["1", "5"], ["2", "4"]], 2)})
    one, other = parsed(drawing).iter(f"{SVG}polyline")
    assert (one.get("stroke-dasharray"), other.get("stroke-dasharray")) == (None, DASHES[1])
    assert len(list(parsed(drawing).iter(f"{SVG}polygon"))) == 1
    assert {"epoch", "best epoch 2", "fold 0", "training", "validation"} <= set(words(drawing))
    assert drawing.rows == (("fold 0", "3.000", "4.000", "2"),)
    refit = charts.training(Words("es"), "t", {"refit": ([["1", "4"]], [], None)})
    assert not list(parsed(refit).iter(f"{SVG}polygon"))
    assert "reajuste" in words(refit)


@given(st.floats(1e-6, 1e9))
def test_ticks_are_few_and_reach_the_top(most: float) -> None:
    ticks = charts.ticks(most)
    assert ticks[0] == 0
    assert 3 <= len(ticks) <= 12
    assert ticks[-1] >= most * 0.999999
    assert len({f"{value:g}" for value in ticks}) == len(ticks)


def test_scale_marks_the_claim() -> None:
    drawing = figures.scale(T, "macro_f1", "0.5", "0.4", "0.6", "0.900000")
    assert "stroke-dasharray" in drawing
    assert "Claim: 0.900" in description(drawing)


def test_long_names_of_ten_classes_stay_inside() -> None:
    """Estimated from how wide letters are: nothing begins left of the figure or ends right of it."""
    names = [f"a class of a very long name {n}" for n in range(10)]
    matrix = [[n] * 11 for n in range(10)]
    many = [(f"precision({name})", "0.5", "0.4", "0.6", 1000) for name in names]
    for drawing in (
        figures.confusion(T, "t", matrix, names, normalized=True),
        figures.intervals(T, "t", many),
        figures.bars(T, "t", dict.fromkeys(names, (900, 100))),
        charts.lines(T, "t", ("x", "y"), dict.fromkeys(names, LINE)),
    ):
        width = float(parsed(drawing).get("viewBox", "").split()[2])
        for one in parsed(drawing).iter(f"{SVG}text"):
            if one.get("transform"):
                continue
            x, long = float(one.get("x", "0")), 6.3 * len(one.text or "")
            left = {"start": x, "middle": x - long / 2, "end": x - long}[one.get("text-anchor", "start")]
            assert left >= 0, (drawing.head, one.text)
            assert left + long <= width + 1, (drawing.head, one.text)


def test_texts_of_a_figure_are_shortened_and_plain() -> None:
    assert shortened("x" * 30, 5) == "xxxx…"
    assert plain("a\x00b\ud800c\n") == "abc"
    assert 'fill="currentColor"' in picture("t", "d", [], 1, 1)
