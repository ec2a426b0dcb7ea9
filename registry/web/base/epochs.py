"""Values by epoch as SVG: a line a training, a ring around each one's best epoch.

Invariants: as for ``registry.web.base.figures``. Lines are told apart by dash as well as by colour; what is not finite
is not drawn; a long training is thinned, its best and its last epoch kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from registry.web.base.charts import ticks
from registry.web.base.svg import COLOURS, Drawing, grid, marker, number, picture, polyline, stroke, text, upright
from registry.web.base.words import Words

WIDTH, HEIGHT = 430, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 42
MOST_POINTS = 200  # a line
Points = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Course:
    """How one value went: (epoch, value), its best and its last."""

    points: tuple[tuple[int, float], ...]
    best: tuple[int, float] | None
    last: tuple[int, float] | None


def course(points: Points, *, lower_is_better: bool) -> Course:
    """What is finite of these points, the later of two of one epoch (a fold that was resumed tells some again)."""
    known = dict(sorted((epoch, value) for epoch, value in dict(points).items() if isfinite(value)))
    found = tuple(known.items())
    if not found:
        return Course((), None, None)
    best = (min if lower_is_better else max)(found, key=lambda point: point[1])
    return Course(found, best, found[-1])


def by_epoch(
    t: Words, title: str, y_name: str, courses: Mapping[str, Course], epochs: int, *, most: float | None = None
) -> Drawing:
    """All courses on one scale from 0 to ``most``, or to the largest; ``epochs``: how many there will be."""
    steps = ticks(most or max((value for one in courses.values() for _, value in one.points), default=1.0))
    body = _frame(t, y_name, steps, epochs)
    for index, one in enumerate(courses.values()):
        placed = {epoch: _place(epoch, value, epochs, steps[-1]) for epoch, value in _thinned(one)}
        body.append(polyline(list(placed.values()), stroke(index)))
        if one.best is not None:
            x, y = placed[one.best[0]]
            ring = f'fill="none" stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="2"'
            body.append(f'<circle cx="{number(x)}" cy="{number(y)}" r="5.5" {ring}/>')
        if one.last is not None:
            body.append(marker(index, *placed[one.last[0]]))
    head = tuple(t(f"epochs.{key}") for key in ("training", "last", "best", "best_epoch"))
    rows = tuple(_told(t, name, one) for name, one in courses.items())
    about = "; ".join(f"{row[0]}: {head[1]} {row[1]}, {head[2]} {row[2]} ({head[3]} {row[3]})" for row in rows)
    return Drawing(title, picture(title, about or t("figures.no_points"), body, WIDTH, HEIGHT), head, rows)


def swatch(index: int) -> str:
    """The line of a course, for a legend."""
    line = f'<line x1="1" y1="7" x2="33" y2="7" {stroke(index)}/>'
    return f'<svg viewBox="0 0 34 14" width="34" height="14" aria-hidden="true">{line}{marker(index, 17, 7)}</svg>'


def _told(t: Words, name: str, one: Course) -> tuple[str, ...]:
    if one.best is None or one.last is None:
        return name, "–", "–", "–"
    return name, t.short(str(one.last[1])), t.short(str(one.best[1])), t.exact(one.best[0])


def _thinned(one: Course) -> list[tuple[int, float]]:
    if len(one.points) <= MOST_POINTS:
        return list(one.points)
    step = -(-len(one.points) // MOST_POINTS)
    kept = {*one.points[::step], *(point for point in (one.best, one.last) if point)}
    return sorted(kept)


def _place(epoch: int, value: float, epochs: int, most: float) -> tuple[float, float]:
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    along = min(1.0, max(0.0, (epoch - 1) / max(1, epochs - 1)))
    return LEFT + width * along, TOP + height * (1 - min(1.0, max(0.0, value / most)))


def _frame(t: Words, y_name: str, steps: Sequence[float], epochs: int) -> list[str]:
    low, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    body = []
    for value in steps:
        y = _place(1, value, epochs, steps[-1])[1]
        body += [grid(LEFT, y, right, y), text(LEFT - 7, y + 4, t.exact(f"{value:g}"), "end")]
    marks = sorted({1, *(round(1 + (max(1, epochs) - 1) * part / 4) for part in range(1, 5))})
    for epoch in marks:
        x = _place(epoch, 0, epochs, steps[-1])[0]
        body += [grid(x, TOP, x, low), text(x, low + 15, t.exact(epoch), "end" if epoch == epochs > 1 else "middle")]
    body.append(text((LEFT + right) / 2, HEIGHT - 8, t("figures.epoch")))
    body.append(upright(13, (TOP + low) / 2, y_name))
    return body
