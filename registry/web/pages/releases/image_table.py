"""A page of a release's judgements: each image with what it was said to show and what the model found in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from registry.core.ipld.dag import Get
from registry.core.run_view import ReleaseView
from registry.core.unusable import refuse_unusable
from registry.web.pages.releases.judged import (
    MILLION,
    Judgements,
    Wanted,
    cleaned,
    judgements,
    nothing_of,
    positions,
    rows_of,
)

PAGE = 48
MOST_BOXES = 12  # that are drawn over one picture

Box = tuple[float, float, float, float]  # x, y, width, height in pixels of the upright original


@dataclass(frozen=True)
class Shown:
    """One judgement. ``truth`` and ``called`` are None for nothing; ``score`` in millionths, None without a detection;
    boxes are the ``true`` ones and the one that was ``found``."""

    sha256: str
    fold: int
    truth: str | None
    called: str | None
    right: bool
    score: int | None
    detections: int
    true: tuple[Box, ...]
    found: Box | None
    size: tuple[int, int] | None  # of the upright original in pixels; None where cleaning could not tell


@dataclass(frozen=True)
class Table:
    """A page of the table: ``count`` judgements fit what is wanted, ``start`` is the first one's place among them."""

    rows: tuple[Shown, ...]
    count: int
    total: int
    start: int
    next: str | None  # query of the next page
    classes: tuple[str, ...]
    nothing: str
    folds: tuple[int, ...]
    wanted: Wanted


def image_table(get: Get, view: ReleaseView, wanted: Wanted, start: int, page: int = PAGE) -> Table:
    """The judgements from a place on. ``InvalidInput`` for a stranger's tables that can't be read."""
    found = judgements(get, view)
    chosen = positions(found, wanted)
    some = chosen[start : start + page].tolist()
    with refuse_unusable():
        predicted = rows_of(get, view, [(found.keys[place], int(found.fold[place])) for place in some])
        prepared = cleaned(get, view, [found.keys[place] for place in some])
        rows = tuple(map(partial(_shown, found), some, predicted, prepared))
    after = start + page
    more = urlencode({**wanted.query(), "start": str(after)}) if after < len(chosen) else None
    folds = tuple(sorted(set(found.fold.tolist())))
    return Table(
        rows=rows,
        count=len(chosen),
        total=len(found.keys),
        start=start,
        next=more,
        classes=found.classes,
        nothing=nothing_of(found.classes),
        folds=folds,
        wanted=wanted,
    )


def _shown(found: Judgements, place: int, row: Mapping[str, Any], prepared: Mapping[str, Any] | None) -> Shown:
    sha256, fold = found.keys[place], int(found.fold[place])
    size = (prepared["width"], prepared["height"]) if prepared and prepared["width"] and prepared["height"] else None
    truth, called, score = int(found.truth[place]), int(found.called[place]), int(found.score[place])
    best = row["detections"][0] if row["detections"] else None
    return Shown(
        sha256=sha256.hex(),
        fold=fold,
        truth=_name(found.classes, truth),
        called=_name(found.classes, called),
        right=truth == called,
        score=score if score >= 0 else None,
        detections=len(row["detections"]),
        true=tuple(_within(box, size) for box in row["boxes"][:MOST_BOXES]) if size else (),
        found=_within(best[2:], size) if size and best is not None and called < len(found.classes) else None,
        size=size,
    )


def _name(classes: Sequence[str], index: int) -> str | None:
    return classes[index] if index < len(classes) else None


def _within(box: Sequence[int], size: tuple[int, int]) -> Box:
    """A box in hundredths of a pixel as pixels, cut off at the picture's edges."""
    x, y, w, h = (value / 100 for value in box)
    left, top = max(0.0, x), max(0.0, y)
    right, low = min(float(size[0]), x + w), min(float(size[1]), y + h)
    return round(left, 2), round(top, 2), round(max(0.0, right - left), 2), round(max(0.0, low - top), 2)


def confidence(score: int | None) -> str | None:
    """A score as a decimal of six places; None where there is none."""
    return None if score is None else f"{score / MILLION:.6f}"


def cells(view: ReleaseView) -> list[list[dict[str, Any]]]:
    """The confusion matrix as rows of cells: ``count``, ``share`` of its row in percent, ``shade`` (0 to 10),
    ``right``, and the ``query`` of the images in it; None where there are none."""
    classes = view.snapshot.classes
    names = [*classes, nothing_of(classes)]
    table = []
    for i, row in enumerate(view.evaluation.confusion):
        total = sum(row)
        table.append([_cell(names, i, j, count, total) for j, count in enumerate(row)])
    return table


def _cell(names: Sequence[str], i: int, j: int, count: int, total: int) -> dict[str, Any]:
    share = 100 * count / total if total else 0.0
    query = urlencode({"truth": names[i], "predicted": names[j]}) if count else None
    return {"count": count, "share": round(share), "shade": round(share / 10), "right": i == j, "query": query}
