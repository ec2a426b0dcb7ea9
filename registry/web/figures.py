"""Figures as SVG text: the same bytes for the same data, readable in grey and by the colour-blind, with a description.

Colours are Okabe and Ito's (2008); series differ by dash as well as by colour. Numbers come as decimal
strings or integers; nothing is rounded but for its place on the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("", "6 3", "2 2", "8 3 2 3", "1 3", "10 4")
WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 16, 44
LEGEND = 110  # beside the curves, never over them
INK, SOFT = "#1c2733", "#d8dee6"


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _svg(title: str, about: str, body: Iterable[str], width: int = WIDTH, height: int = HEIGHT) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="11" fill="{INK}">'
        f"<title>{escape(title)}</title><desc>{escape(about)}</desc>{''.join(body)}</svg>"
    )


def _text(x: float, y: float, text: str, anchor: str = "middle", extra: str = "") -> str:
    return f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"{extra}>{escape(text)}</text>'


def bars(title: str, counts: Mapping[str, int]) -> str:
    """Horizontal bars with their counts."""
    height = TOP + 30 * len(counts) + 12
    most = max(counts.values(), default=0) or 1
    body = []
    for index, (name, count) in enumerate(counts.items()):
        y = TOP + 30 * index
        length = (WIDTH - 170) * count / most
        body.append(_text(104, y + 16, name, "end"))
        body.append(f'<rect x="112" y="{y}" width="{_n(length)}" height="22" rx="2" fill="{COLOURS[0]}"/>')
        body.append(_text(118 + length, y + 16, str(count), "start"))
    return _svg(title, ", ".join(f"{name} {count}" for name, count in counts.items()), body, height=height)


def _axes(x_name: str, y_name: str) -> list[str]:
    body = []
    for step in range(0, 11, 2):
        x = LEFT + (WIDTH - LEFT - RIGHT) * step / 10
        y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * step / 10
        body.append(f'<line x1="{_n(x)}" y1="{TOP}" x2="{_n(x)}" y2="{HEIGHT - BOTTOM}" stroke="{SOFT}"/>')
        body.append(f'<line x1="{LEFT}" y1="{_n(y)}" x2="{WIDTH - RIGHT}" y2="{_n(y)}" stroke="{SOFT}"/>')
        body.append(_text(x, HEIGHT - BOTTOM + 14, f"{step / 10:.1f}"))
        body.append(_text(LEFT - 6, y + 4, f"{step / 10:.1f}", "end"))
    body.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_name))
    body.append(_text(14, HEIGHT / 2, y_name, "middle", f' transform="rotate(-90 14 {_n(HEIGHT / 2)})"'))
    return body


def lines(title: str, x_name: str, y_name: str, series: Mapping[str, Sequence[Sequence[str]]]) -> str:
    """Curves over the unit square; ``series`` maps names to [x, y] decimal strings."""
    body = _axes(x_name, y_name)
    for index, (name, points) in enumerate(series.items()):
        colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
        path = " ".join(_place(float(x), float(y)) for x, y in points)
        style = f'stroke="{colour}" stroke-width="{2.6 if index == 0 else 1.6}" stroke-dasharray="{dash}"'
        body.append(f'<polyline fill="none" {style} points="{path}"/>')
        y = TOP + 12 + 17 * index
        body.append(f'<line x1="{WIDTH}" y1="{y}" x2="{WIDTH + 24}" y2="{y}" {style}/>')
        body.append(_text(WIDTH + 30, y + 4, name, "start"))
    about = "; ".join(f"{name}: {len(points)} points" for name, points in series.items())
    return _svg(title, about, body, width=WIDTH + LEGEND)


def _place(x: float, y: float) -> str:
    return (
        f"{_n(LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, x)))},"
        f"{_n(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(1.0, max(0.0, y)))}"
    )


def confusion(title: str, counts: Sequence[Sequence[int]], classes: Sequence[str], *, normalized: bool) -> str:
    """Truth by prediction; the last column is "nothing". Normalized by the truth's row where asked."""
    names = [*classes, "nothing"]
    cell, left, top = 56, 92, 34
    width, height = left + cell * len(names) + 12, top + cell * len(classes) + 34
    body = [_text(left + cell * (i + 0.5), 24, name) for i, name in enumerate(names)]
    for i, row in enumerate(counts):
        total = sum(row) or 1
        body.append(_text(left - 8, top + cell * (i + 0.5) + 4, classes[i], "end"))
        for j, count in enumerate(row):
            share = count / total
            shade = f"rgb({round(255 - 255 * share)},{round(255 - 141 * share)},{round(255 - 77 * share)})"
            x, y = left + cell * j, top + cell * i
            body.append(
                f'<rect x="{x}" y="{y}" width="{cell - 2}" height="{cell - 2}" fill="{shade}" stroke="{SOFT}"/>'
            )
            shown = f"{share:.2f}" if normalized else str(count)
            ink = ' fill="#fff"' if share > 0.55 else ""
            body.append(_text(x + cell / 2 - 1, y + cell / 2 + 4, shown, "middle", ink))
    body.append(_text(left + cell * len(names) / 2, height - 10, "predicted (rows: truth)"))
    about = "; ".join(f"{name}: {list(row)}" for name, row in zip(classes, counts, strict=True))
    return _svg(title, about, body, width, height)


def intervals(title: str, figures: Sequence[tuple[str, str | None, str | None, str | None]]) -> str:
    """Values with their 95 % intervals on one scale from 0 to 1; (name, value, low, high)."""
    left, scale = 150, WIDTH - 150 - 24
    height = TOP + 24 * len(figures) + 26
    body = []
    for step in range(0, 11, 2):
        x = left + scale * step / 10
        body.append(f'<line x1="{_n(x)}" y1="{TOP}" x2="{_n(x)}" y2="{height - 24}" stroke="{SOFT}"/>')
        body.append(_text(x, height - 8, f"{step / 10:.1f}"))
    for index, (name, value, low, high) in enumerate(figures):
        y = TOP + 24 * index + 12
        body.append(_text(left - 8, y + 4, name, "end"))
        if value is None or low is None or high is None:
            body.append(_text(left + 4, y + 4, "not estimable", "start"))
            continue
        x0, x1, x = (left + scale * float(one) for one in (low, high, value))
        body.append(f'<line x1="{_n(x0)}" y1="{y}" x2="{_n(x1)}" y2="{y}" stroke="{COLOURS[0]}" stroke-width="3"/>')
        body.append(f'<circle cx="{_n(x)}" cy="{y}" r="4.5" fill="{COLOURS[1]}"/>')
    about = "; ".join(f"{name}: {value} ({low} to {high})" for name, value, low, high in figures)
    return _svg(title, about, body, height=height)


def training(title: str, folds: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    """Loss by epoch, one line a fold and split, scaled to the largest value."""
    most = max((value for points in folds.values() for _, value in points), default=1.0) or 1.0
    last = max((epoch for points in folds.values() for epoch, _ in points), default=1)
    series = {
        name: [[f"{epoch / last:.6f}", f"{value / most:.6f}"] for epoch, value in points]
        for name, points in folds.items()
    }
    return lines(title, f"epoch (1.0 = {last})", f"loss (1.0 = {most:.2f})", series)
