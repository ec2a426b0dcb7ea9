"""Figures of counts and of intervals, as SVG: the same bytes for the same data, readable in grey and by the
colour-blind, described in words and given as a table beside.

Kept and dropped differ by filling, cells bear their numbers, and every figure has a title and a description that say
what it shows. Numbers come as decimal strings or integers; nothing is rounded but for its place, or where it is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

from registry.web.base.svg import COLOURS, Drawing, grid, label_width, number, picture, shortened, text, upright
from registry.web.base.words import Words

WIDTH, TOP = 460, 14
MOST_ROWS = 48
Figure = tuple[str, str | None, str | None, str | None, int | None]  # name, value, low, high, images


def nothing(t: Words, classes: Sequence[str]) -> str:
    """What pictures without an object are called on a page: as no class is."""
    word = t("figures.nothing")
    while word in classes:
        word += "*"
    return word


def bars(t: Words, title: str, counts: Mapping[str, tuple[int, int]]) -> Drawing:
    """What was kept, filled, and what was dropped, hollow, by class."""
    left, height = label_width(counts), TOP + 30 * len(counts) + 26
    most = max((sum(pair) for pair in counts.values()), default=0) or 1
    unit, total = (WIDTH - left - 116) / most, sum(kept for kept, _ in counts.values()) or 1
    body, rows = [], []
    for index, (name, (kept, dropped)) in enumerate(counts.items()):
        y, length, rest = TOP + 30 * index, unit * kept, unit * dropped
        body.append(text(left - 8, y + 15, shortened(name), "end"))
        body.append(_bar(left, y, length, filled=True))
        if dropped:
            body.append(_bar(left + length, y, rest, filled=False))
        shown = f"{kept} ({100 * kept / total:.0f} %)" + (f" + {dropped}" if dropped else "")
        body.append(text(left + 7 + length + rest, y + 15, shown, "start"))
        rows.append((name, str(kept), str(dropped)))
    for at, filled, words in ((left, True, t("figures.kept")), (left + 110, False, t("figures.dropped"))):
        body += [_bar(at, height - 16, 14, filled=filled, high=11), text(at + 20, height - 6, words, "start")]
    about = "; ".join(f"{name}: {kept} {t('figures.kept')}, {out} {t('figures.dropped')}" for name, kept, out in rows)
    head = (t("figures.class"), t("figures.kept"), t("figures.dropped"))
    return Drawing(title, picture(title, about, body, WIDTH, height), head, tuple(rows))


def _bar(x: float, y: float, length: float, *, filled: bool, high: int = 21) -> str:
    look = f'fill="{COLOURS[0]}"' if filled else f'fill="none" stroke="{COLOURS[1]}" stroke-dasharray="3 2"'
    return f'<rect x="{number(x)}" y="{number(y)}" width="{number(length)}" height="{high}" rx="2" {look}/>'


def confusion(
    t: Words, title: str, counts: Sequence[Sequence[int]], classes: Sequence[str], *, normalized: bool
) -> Drawing:
    """Truth by prediction, the last column (and row, where one more is given) "nothing"; shaded by the truth's row, and
    its shares shown where asked."""
    names = [*classes, nothing(t, classes)]
    truths = names[: len(counts)]
    cell = 58 if len(names) <= 6 else 46
    slanted = max(len(shortened(name, 16)) for name in names) * 6.4 > cell
    left, top = label_width(shortened(name, 16) for name in truths) + 14, 112 if slanted else 48
    width, height = left + cell * len(names) + (56 if slanted else 8), top + cell * len(truths) + 8
    middle = top + cell * len(truths) / 2
    body = [text(left + cell * len(names) / 2, 14, t("figures.predicted")), upright(12, middle, t("figures.truth"))]
    for i, name in enumerate(names):
        x = left + cell * (i + 0.5)
        if slanted:
            turned = f' transform="rotate(-45 {number(x)} {top - 10})"'
            body.append(text(x, top - 10, shortened(name, 16), "start", turned))
        else:
            body.append(text(x, 36, shortened(name, 16)))
    for i, row in enumerate(counts):
        body.append(text(left - 9, top + cell * (i + 0.5) + 4, shortened(truths[i], 16), "end"))
        body += [
            _cell(t, left + cell * j, top + cell * i, cell, count, sum(row), normalized) for j, count in enumerate(row)
        ]
    pairs = zip(truths, counts, strict=True)
    rows = tuple((name, *(_count_text(t, count, sum(row), normalized) for count in row)) for name, row in pairs)
    truth = t("figures.truth")
    about = "; ".join(
        f"{truth} {row[0]}: " + ", ".join(f"{count} {name}" for count, name in zip(row[1:], names, strict=True))
        for row in rows
    )
    return Drawing(title, picture(title, about, body, width, height), (truth, *names), rows, wide=len(names) > 9)


def _count_text(t: Words, count: int, total: int, normalized: bool) -> str:
    if not normalized:
        return str(count)
    return t.exact(f"{count / total:.2f}") if total else "–"


def _cell(t: Words, x: float, y: float, side: int, count: int, total: int, normalized: bool) -> str:
    share = count / total if total else 0.0
    shade = f'fill="{COLOURS[0]}" fill-opacity="{share:.2f}" stroke="currentColor" stroke-opacity=".14"'
    ink = ' fill="#fff"' if share > 0.75 else ""
    box = f'<rect x="{number(x)}" y="{number(y)}" width="{side - 3}" height="{side - 3}" rx="4" {shade}/>'
    return box + text(x + side / 2 - 1.5, y + side / 2 + 3, _count_text(t, count, total, normalized), "middle", ink)


def intervals(t: Words, title: str, figures: Sequence[Figure], *, lowest: int = 0) -> Drawing:
    """Values with their 95 % intervals on one scale from ``lowest`` (0, or -1 for differences) to 1."""
    shown = figures[:MOST_ROWS]
    left = label_width((_label(name, n) for name, *_, n in shown), 30) + 4
    more = len(figures) - len(shown)
    scale, height = WIDTH - left - 18, TOP + 25 * len(shown) + (25 if more else 0) + 26

    def place(value: str) -> float:
        return left + scale * min(1.0, max(0.0, (float(value) - lowest) / (1 - lowest)))

    body = []
    for step in range(lowest * 10, 11, 5 if lowest else 2):
        x = left + scale * (step / 10 - lowest) / (1 - lowest)
        body += [grid(x, TOP - 6, x, height - 24), text(x, height - 8, t.exact(f"{step / 10:g}"))]
    if lowest:
        body.append(f'<path d="M{number(place("0"))} {TOP - 6}V{height - 24}" stroke="currentColor" opacity=".5"/>')
    for index, (name, value, low, high, n) in enumerate(shown):
        y = TOP + 25 * index + 10
        body.append(text(left - 10, y + 4, shortened(_label(name, n), 30), "end"))
        if value is None:
            faint = ' fill-opacity=".75" font-style="italic"'
            body.append(text(left + 6, y + 4, t("page.not_estimable"), "start", faint))
            continue
        if low is not None and high is not None:
            body.append(_whisker(place(low), place(high), y))
        body.append(f'<circle cx="{number(place(value))}" cy="{y}" r="4.5" fill="{COLOURS[1]}"/>')
    if more:
        body.append(text(left - 10, TOP + 25 * len(shown) + 14, t("figures.not_drawn", count=more), "start"))
    rows = tuple(_row(t, one) for one in figures)
    about = "; ".join(f"{row[0]}: {row[1]} ({row[2]})" for row in rows)
    head = (t("figures.figure"), t("claims.value"), t("page.interval"), t("figures.images"))
    return Drawing(title, picture(title, about, body, WIDTH, height), head, rows)


def _label(name: str, n: int | None) -> str:
    return name if n is None else f"{shortened(name, 22)} · {n}"


def _row(t: Words, one: Figure) -> tuple[str, ...]:
    name, value, low, high, n = one
    shown = t("page.not_estimable") if value is None else t.short(value)
    return name, shown, t.interval({"low": low, "high": high}), "–" if n is None else str(n)


def _whisker(x0: float, x1: float, y: float) -> str:
    bar = f"M{number(x0)} {y}H{number(x1)}M{number(x0)} {y - 5}V{y + 5}M{number(x1)} {y - 5}V{y + 5}"
    return f'<path d="{bar}" stroke="currentColor" stroke-width="2" stroke-opacity=".75" fill="none"/>'


def scale(
    t: Words, name: str, value: str | None, low: str | None, high: str | None, threshold: str | None = None
) -> str:
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
    shown = t("page.not_estimable") if value is None else t.short(value)
    about = f"{shown}, {t('page.interval')}: {t.interval({'low': low, 'high': high})}"
    about += f"; {t('claims.claim')}: {t.short(threshold)}" if threshold else ""
    return picture(name, about, body, width, 24)


def reliability(t: Words, title: str, bins: Sequence[Sequence[str]]) -> Drawing:
    """Share right by mean confidence; the area of a point stands for its images, the dashed line for a model that is
    as sure as it is right. ``bins`` hold [mean confidence, share right, count]."""
    side, left = 250, 52
    base = TOP + side
    body = []
    for step in range(6):
        at = side * step / 5
        words = t.exact(f"{step / 5:g}")
        body += [grid(left + at, TOP, left + at, base), text(left + at, base + 15, words)]
        body += [grid(left, base - at, left + side, base - at), text(left - 7, base - at + 4, words, "end")]
    body.append(f'<path d="M{left} {base}L{left + side} {TOP}" stroke="currentColor" stroke-dasharray="4 4"/>')
    most = max((int(one[2]) for one in bins), default=1)
    for mean, right, count in bins:
        x, y, radius = left + side * float(mean), base - side * float(right), 3 + 7 * sqrt(int(count) / most)
        body.append(f'<path d="M{number(x)} {number(y)}V{number(base - side * float(mean))}" stroke="{COLOURS[1]}"/>')
        body.append(f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" fill="{COLOURS[0]}"/>')
    body.append(text(left + side / 2, base + 34, t("figures.confidence")))
    body.append(upright(14, TOP + side / 2, t("figures.share_right")))
    dash = 'stroke="currentColor" stroke-dasharray="4 4"'
    body.append(f'<path d="M{left + side + 14} {TOP + 10}h26" {dash}/>')
    body.append(text(left + side + 46, TOP + 14, t("figures.perfect"), "start"))
    rows = tuple((t.short(mean), t.short(right), count) for mean, right, count in bins)
    about = "; ".join(f"{mean}: {right} ({count})" for mean, right, count in rows) or t("figures.no_points")
    head = (t("figures.confidence"), t("figures.share_right"), t("figures.images"))
    return Drawing(title, picture(title, about, body, WIDTH, base + 44), head, rows)
