"""Curves as SVG: over the unit square, and losses by epoch with the gap between training and validation shaded.

Invariants: as for ``registry.web.base.figures``. Series differ by dash and marker as well as by colour; legends stand
beside a chart, never over it; what is not finite is not drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, isfinite, log10

from registry.web.base.svg import (
    COLOURS,
    Drawing,
    grid,
    marker,
    number,
    picture,
    polyline,
    shortened,
    stroke,
    text,
    upright,
)
from registry.web.base.words import Words

HEIGHT = 290
PLOT = 322  # the right end of a chart; its legend stands beyond
LEFT, TOP, BOTTOM = 52, 14, 46
SIGNS = 4  # markers a curve
Points = Sequence[Sequence[str]]


def lines(t: Words, title: str, names: tuple[str, str], series: Mapping[str, Points], first: int = 0) -> Drawing:
    """Curves over the unit square; ``names`` of both axes; ``series`` maps names to [x, y] decimal strings.

    ``first``: the style of the first series, so that a class looks the same in all figures."""
    low = HEIGHT - BOTTOM
    body = []
    for step in range(6):
        x, y, words = LEFT + (PLOT - LEFT) * step / 5, low - (low - TOP) * step / 5, t.exact(f"{step / 5:g}")
        body += [
            grid(x, TOP, x, low),
            text(x, low + 15, words),
            grid(LEFT, y, PLOT, y),
            text(LEFT - 7, y + 4, words, "end"),
        ]
    body.append(text((LEFT + PLOT) / 2, HEIGHT - 10, names[0]))
    body.append(upright(14, (TOP + low) / 2, names[1]))
    for index, (name, found) in enumerate(series.items(), first):
        placed = [(LEFT + (PLOT - LEFT) * _unit(x), low - (low - TOP) * _unit(y)) for x, y in found]
        body.append(polyline(placed, stroke(index)))
        body += [marker(index, *placed[at]) for at in _spread(len(placed), index)]
        y = TOP + 10 + 19 * (index - first)
        body.append(f'<line x1="{PLOT + 14}" y1="{y}" x2="{PLOT + 46}" y2="{y}" {stroke(index)}/>')
        body.append(marker(index, PLOT + 30, y))
        words = name if found else f"{name}: {t('figures.no_points')}"
        body.append(text(PLOT + 52, y + 4, shortened(words, 19), "start"))
    rows = tuple(_told(t, name, found) for name, found in series.items())
    about = f"{names[1]} / {names[0]}. " + "; ".join(
        f"{row[0]}: {t('figures.highest')} {row[3]} ({row[4]})" for row in rows
    )
    height = max(HEIGHT, TOP + 19 * len(series) + 10)
    head = tuple(t(f"figures.{key}") for key in ("curve", "first", "last", "highest", "at"))
    return Drawing(title, picture(title, about, body, PLOT + 176, height), head, rows)


def _unit(value: str) -> float:
    return min(1.0, max(0.0, float(value)))


def _spread(count: int, index: int) -> list[int]:
    """Where on a curve of so many points its markers stand: apart from those of the curves before."""
    if count <= SIGNS:
        return list(range(count))
    return sorted({(count * (7 * part + index % 7)) // (7 * SIGNS) for part in range(SIGNS)})


def _told(t: Words, name: str, points: Points) -> tuple[str, ...]:
    if not points:
        return name, "–", "–", "–", "–"
    x, y = max(points, key=lambda point: float(point[1]))
    return name, t.short(points[0][1]), t.short(points[-1][1]), t.short(y), t.short(x)


def ticks(most: float) -> list[float]:
    """Four to eight round steps from 0 to at least ``most``."""
    if not 0 < most < 1e12:
        return [0.0, 1.0]
    size = 10.0 ** floor(log10(most))
    step = next(size * part for part in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0) if most <= 7 * size * part)
    return [step * index for index in range(ceil(round(most / step, 9)) + 1)]


Losses = tuple[Points, Points, int | None]  # training, validation, best epoch


def training(t: Words, title: str, folds: Mapping[str, Losses]) -> Drawing:
    """A panel a training, all on one scale: training drawn through, validation dashed, the gap between them shaded."""
    known = {name: (_finite(one), _finite(other), best) for name, (one, other, best) in folds.items()}
    points = [point for one, other, _ in known.values() for point in (*one, *other)]
    epochs = max((x for x, _ in points), default=1.0)
    losses = ticks(max((y for _, y in points), default=1.0))
    columns, wide, high = min(3, max(1, len(known))), 250, 176
    body: list[str] = []
    for index, (name, losses_of) in enumerate(known.items()):
        corner = (wide * (index % columns), 30 + high * (index // columns))
        body += _panel(t, t.fold(name), losses_of, corner, epochs, losses)
    for index, key in enumerate(("train", "val")):
        x = 40 + 150 * index
        body.append(f'<line x1="{x}" y1="12" x2="{x + 32}" y2="12" {stroke(index)}/>')
        body.append(text(x + 38, 16, t(f"figures.{key}"), "start"))
    rows = []
    for name, (one, other, best) in folds.items():
        last = [points[-1][1] if points else None for points in (one, other)]
        rows.append((t.fold(name), *map(t.short, last), "–" if best is None else str(best)))
    head = tuple(t(f"losses.{key}") for key in ("training", "last_train", "last_val", "best"))
    about = "; ".join(f"{row[0]}: {head[1]} {row[1]}, {head[2]} {row[2]}, {head[3]} {row[3]}" for row in rows)
    height = 36 + high * ceil(len(known) / columns)
    drawn = picture(title, about or t("figures.no_points"), body, max(330, wide * columns + 10), height)
    return Drawing(title, drawn, head, tuple(rows), wide=columns > 1)


def _finite(points: Points) -> list[tuple[float, float]]:
    found = [(float(x), float(y)) for x, y in points]
    return [(x, y) for x, y in found if isfinite(x) and isfinite(y)]


def _panel(
    t: Words,
    name: str,
    losses: tuple[list[tuple[float, float]], list[tuple[float, float]], int | None],
    corner: tuple[float, float],
    epochs: float,
    steps: Sequence[float],
) -> list[str]:
    left, right, top, low = corner[0] + 42, corner[0] + 242, corner[1] + 18, corner[1] + 134

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (right - left) * x / (epochs or 1), low - (low - top) * min(1.0, max(0.0, y / steps[-1]))

    body = [text((left + right) / 2, top - 6, shortened(name, 30), "middle", ' font-weight="600"')]
    for value in steps[:: 2 if len(steps) > 5 else 1]:
        y = place(0, value)[1]
        body += [grid(left, y, right, y), text(left - 6, y + 4, t.exact(f"{value:g}"), "end")]
    body += [text(left, low + 15, "0"), text(right, low + 15, f"{epochs:g}", "end")]
    body.append(text((left + right) / 2, low + 15, t("figures.epoch")))
    one, other, best = losses
    both = dict(other)
    shared = [(x, y, both[x]) for x, y in one if x in both]
    if len(shared) > 1:
        around = [place(x, y) for x, y, _ in shared] + [place(x, y) for x, _, y in reversed(shared)]
        corners = " ".join(f"{number(x)},{number(y)}" for x, y in around)
        body.append(f'<polygon points="{corners}" fill="{COLOURS[1]}" fill-opacity=".18"/>')
    for index, points in enumerate((one, other)):
        placed = [place(x, y) for x, y in points]
        body.append(polyline(placed, stroke(index)))
        if len(placed) == 1:
            body.append(marker(index, *placed[0]))
    if best is not None and 0 <= best <= epochs:
        x, _ = place(best, 0)
        body.append(f'<path d="M{number(x)} {top}V{low}" stroke="currentColor" stroke-dasharray="2 3"/>')
        body.append(text(x, low + 28, t("figures.best_epoch", number=best), "end" if best > epochs / 2 else "start"))
    return body
