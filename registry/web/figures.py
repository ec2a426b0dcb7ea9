"""Figures as SVG text: the same bytes for the same data, readable in grey and by the colour-blind, described in words.

Series differ by dash as well as by colour, cells bear their numbers, and every figure has a title and a description
that say what it shows. Numbers come as decimal strings or integers; nothing is rounded but for its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10

from registry.web.svg import COLOURS, grid, number, picture, room, shortened, stroke, text

WIDTH, HEIGHT = 430, 290
PLOT = 336  # the right end of a chart; its legend stands beyond
LEFT, TOP, BOTTOM = 52, 14, 46
Point = Sequence[str]
Figure = tuple[str, str | None, str | None, str | None]  # name, value, low, high


def bars(title: str, counts: Mapping[str, int]) -> str:
    """Horizontal bars with their counts and shares."""
    left, height = room(counts), TOP + 30 * len(counts) + 4
    most, total = max(counts.values(), default=0) or 1, sum(counts.values()) or 1
    body = []
    for index, (name, count) in enumerate(counts.items()):
        y = TOP + 30 * index
        length = (WIDTH - left - 92) * count / most
        body.append(text(left - 8, y + 15, shortened(name), "end"))
        body.append(f'<rect x="{left}" y="{y}" width="{number(length)}" height="21" rx="3" fill="{COLOURS[0]}"/>')
        body.append(text(left + 7 + length, y + 15, f"{count} ({100 * count / total:.0f} %)", "start"))
    about = "Bars: " + ", ".join(f"{name} {count}" for name, count in counts.items())
    return picture(title, about, body, WIDTH, height)


def lines(title: str, x_name: str, y_name: str, series: Mapping[str, Sequence[Point]]) -> str:
    """Curves over the unit square; ``series`` maps names to [x, y] decimal strings."""
    unit = [step / 5 for step in range(6)]
    points = {name: [(float(x), float(y)) for x, y in found] for name, found in series.items()}
    styles = [stroke(index) for index in range(len(points))]
    return _chart(title, (x_name, y_name), (unit, unit), points, styles)


def training(title: str, folds: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    """Loss by epoch. Names are "train N" and "val N": a colour a fold, training drawn through, validation dashed."""
    known = {name: [(float(epoch), float(value)) for epoch, value in found] for name, found in folds.items()}
    epochs = _ticks(max((x for found in known.values() for x, _ in found), default=1.0))
    losses = _ticks(max((y for found in known.values() for _, y in found), default=1.0))
    order = sorted({name.rpartition(" ")[2] for name in known})
    styles = [stroke(order.index(name.rpartition(" ")[2]), 1 if name.startswith("val") else 0) for name in known]
    return _chart(title, ("epoch", "loss"), (epochs, losses), known, styles)


def _ticks(most: float) -> list[float]:
    """Four to eight round steps from 0 to at least ``most``."""
    if not 0 < most < 1e12:
        return [0.0, 1.0]
    size = 10.0 ** floor(log10(most))
    step = next(size * part for part in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0) if most <= 7 * size * part)
    return [step * index for index in range(ceil(round(most / step, 9)) + 1)]


def _chart(
    title: str,
    names: tuple[str, str],
    ticks: tuple[Sequence[float], Sequence[float]],
    series: Mapping[str, Sequence[tuple[float, float]]],
    styles: Sequence[str],
) -> str:
    """Axes, curves, and a legend beside them, never over them."""
    right, floor_y = PLOT, HEIGHT - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        share = [min(1.0, max(0.0, value / ends[-1])) for value, ends in zip((x, y), ticks, strict=True)]
        return LEFT + (right - LEFT) * share[0], floor_y - (floor_y - TOP) * share[1]

    body = []
    for value in ticks[0]:
        x, _ = place(value, 0)
        body += [grid(x, TOP, x, floor_y), text(x, floor_y + 15, f"{value:g}")]
    for value in ticks[1]:
        _, y = place(0, value)
        body += [grid(LEFT, y, right, y), text(LEFT - 7, y + 4, f"{value:g}", "end")]
    middle = (TOP + floor_y) / 2
    body.append(text((LEFT + right) / 2, HEIGHT - 10, names[0]))
    body.append(text(14, middle, names[1], "middle", f' transform="rotate(-90 14 {number(middle)})"'))
    for index, (name, found) in enumerate(series.items()):
        path = " ".join(",".join(map(number, place(x, y))) for x, y in found)
        body.append(f'<polyline fill="none" stroke-linejoin="round" {styles[index]} points="{path}"/>' if found else "")
        y = TOP + 10 + 19 * index
        body.append(f'<line x1="{PLOT + 14}" y1="{y}" x2="{PLOT + 40}" y2="{y}" {styles[index]}/>')
        body.append(text(PLOT + 46, y + 4, shortened(name if found else f"{name}: none", 16), "start"))
    height = max(HEIGHT, TOP + 19 * len(series) + 10)
    about = f"{names[1]} over {names[0]}. " + "; ".join(_told(name, found) for name, found in series.items())
    return picture(title, about, body, PLOT + 140, height)


def _told(name: str, points: Sequence[tuple[float, float]]) -> str:
    if not points:
        return f"{name}: no points"
    x, y = max(points, key=lambda point: point[1])
    return f"{name}: from {points[0][1]:.3g} to {points[-1][1]:.3g}, highest {y:.3g} at {x:.3g}"


def confusion(title: str, counts: Sequence[Sequence[int]], classes: Sequence[str], *, normalized: bool) -> str:
    """Truth by prediction, the last column "nothing"; shaded by the truth's row, and its shares shown where asked."""
    names, cell = [*classes, "nothing"], 58
    left, top = room(classes) + 14, 48
    width, height = left + cell * len(names) + 8, top + cell * len(classes) + 8
    body = [
        text(left + cell * len(names) / 2, 14, "predicted"),
        text(
            12,
            top + cell * len(classes) / 2,
            "truth",
            "middle",
            f' transform="rotate(-90 12 {top + cell * len(classes) / 2:g})"',
        ),
    ]
    body += [text(left + cell * (i + 0.5), 36, shortened(name, 11)) for i, name in enumerate(names)]
    for i, row in enumerate(counts):
        total = sum(row)
        body.append(text(left - 9, top + cell * (i + 0.5) + 4, shortened(classes[i]), "end"))
        for j, count in enumerate(row):
            share = count / total if total else 0.0
            x, y = left + cell * j, top + cell * i
            shade = f'fill="{COLOURS[0]}" fill-opacity="{share:.2f}" stroke="currentColor" stroke-opacity=".14"'
            body.append(f'<rect x="{x}" y="{y}" width="{cell - 3}" height="{cell - 3}" rx="4" {shade}/>')
            shown = str(count) if not normalized else f"{share:.2f}" if total else "–"
            ink = ' fill="#fff"' if share > 0.85 else ""
            body.append(text(x + cell / 2 - 1.5, y + cell / 2 + 3, shown, "middle", ink))
    about = "; ".join(
        f"truth {name}: " + ", ".join(f"{count} called {said}" for said, count in zip(names, row, strict=True))
        for name, row in zip(classes, counts, strict=True)
    )
    return picture(title, about, body, width, height)


def intervals(title: str, figures: Sequence[Figure]) -> str:
    """Values with their 95 % intervals on one scale from 0 to 1."""
    left = room([name for name, *_ in figures])
    scale, height = WIDTH - left - 18, TOP + 25 * len(figures) + 26
    body = []
    for step in range(0, 11, 2):
        x = left + scale * step / 10
        body += [grid(x, TOP - 6, x, height - 24), text(x, height - 8, f"{step / 10:g}")]
    for index, (name, value, low, high) in enumerate(figures):
        y = TOP + 25 * index + 10
        body.append(text(left - 10, y + 4, shortened(name), "end"))
        if value is None:
            body.append(text(left + 6, y + 4, "not estimable", "start", ' fill-opacity=".7" font-style="italic"'))
            continue
        if low is not None and high is not None:
            body.append(_whisker(left + scale * float(low), left + scale * float(high), y))
        body.append(f'<circle cx="{number(left + scale * float(value))}" cy="{y}" r="4.5" fill="{COLOURS[1]}"/>')
    about = "; ".join(f"{name}: {value or 'not estimable'} ({low} to {high})" for name, value, low, high in figures)
    return picture(title, about, body, WIDTH, height)


def _whisker(x0: float, x1: float, y: float) -> str:
    bar = f"M{number(x0)} {y}H{number(x1)}M{number(x0)} {y - 5}V{y + 5}M{number(x1)} {y - 5}V{y + 5}"
    return f'<path d="{bar}" stroke="currentColor" stroke-width="2" stroke-opacity=".75" fill="none"/>'


def scale(name: str, value: str | None, low: str | None, high: str | None, threshold: str | None = None) -> str:
    """One value with its interval on a line from 0 to 1, and the threshold of a claim as a mark."""
    width, y = 200, 12
    body = [f'<line x1="4" y1="{y}" x2="{width - 4}" y2="{y}" stroke="currentColor" stroke-opacity=".25"/>']

    def place(value_text: str) -> float:
        return 4 + (width - 8) * min(1.0, max(0.0, float(value_text)))

    if threshold is not None:
        x = number(place(threshold))
        body.append(f'<path d="M{x} 2V22" stroke="currentColor" stroke-width="1.5" stroke-dasharray="3 2"/>')
    if low is not None and high is not None:
        body.append(_whisker(place(low), place(high), y))
    if value is not None:
        body.append(f'<circle cx="{number(place(value))}" cy="{y}" r="4.5" fill="{COLOURS[1]}"/>')
    about = f"{value or 'not estimable'}, 95 % interval {low} to {high}" + (
        f", claimed {threshold}" if threshold else ""
    )
    return picture(name, about, body, width, 24)
