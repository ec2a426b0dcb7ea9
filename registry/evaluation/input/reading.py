"""From rows of predictions to columns: checked once, matched once, a few thousand rows at a time.

Invariants: a row that no honest run writes (a class or a score out of bounds, an image twice in one fold, an image
that was judged more often than another, more than BOXES or DETECTIONS of an image) is refused. Rows may come in
any order, from any iterator, and none is kept: a million of them as numbers take a tenth of what they take as dicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import chain, islice, pairwise, starmap
from operator import lt
from typing import Any

import numpy as np

from registry.core.errors import InvalidInput
from registry.evaluation.input.columns import Columns, Ints
from registry.evaluation.input.matching import Numbers, matched

Row = Mapping[str, Any]  # a row of PREDICTIONS
CHUNK = 500  # rows that are held at once: what a core's cache holds
LIMIT = 1 << 40  # of any number
BOXES, DETECTIONS = 100, 300  # of an image at most: matching costs their product. As labels, and as ultralytics have


def columns_of(predictions: Iterable[Row], classes: int) -> Columns:
    """Rows of PREDICTIONS, in any order, as columns. ``InvalidInput`` (``bad_predictions``) for impossible ones."""
    keys: list[bytes] = []
    parts = []
    for rows in _chunks(predictions):
        keys += _keys(rows)
        parts.append(_read(rows, classes))
    keys, numbers = _in_order(keys, _joined(parts))
    return _columns(keys, numbers, classes)


def _columns(keys: Sequence[bytes], numbers: Numbers, classes: int) -> Columns:
    kind, score, image = numbers.values[:, 0], numbers.values[:, 1], numbers.image
    order = np.argsort(-score, kind="stable")
    first = np.flatnonzero(np.diff(image, prepend=-1))
    best, best_score = np.full(len(keys), classes, np.int64), np.full(len(keys), -1, np.int64)
    best[image[first]], best_score[image[first]] = kind[first], score[first]
    scores = np.zeros((len(keys), classes), np.int64)
    np.maximum.at(scores, (image, kind), score)
    return Columns(
        keys=tuple(keys),
        fold=numbers.fold,
        truth=numbers.truth,
        boxes=np.bincount(numbers.box_of, minlength=len(keys)).astype(np.int64),
        best=best,
        best_score=best_score,
        scores=scores,
        image=image[order],
        kind=kind[order],
        score=score[order],
        right=matched(numbers)[:, order],
    )


def _chunks(predictions: Iterable[Row]) -> Iterator[list[Row]]:
    rows = iter(predictions)
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _keys(rows: Sequence[Row]) -> list[bytes]:
    found = [row["sha256"] for row in rows]
    if not all(isinstance(key, bytes) for key in found):
        raise InvalidInput("a prediction names no image: its sha256 is 32 raw bytes", code="bad_predictions")
    return found


def _joined(parts: Sequence[Numbers]) -> Numbers:
    """Parts in a row, each counting its rows from 0."""
    if not parts:
        none = np.zeros(0, np.int64)
        return Numbers(none, none, none, none.reshape(0, 4), none, none.reshape(0, 6))
    starts = np.cumsum([0, *(len(part.fold) for part in parts)]).tolist()
    shifted = [
        Numbers(part.fold, part.truth, part.box_of + start, part.box, part.image + start, part.values)
        for part, start in zip(parts, starts, strict=False)
    ]
    return Numbers(*(np.concatenate([getattr(part, one.name) for part in shifted]) for one in fields(Numbers)))


def _in_order(keys: list[bytes], numbers: Numbers) -> tuple[list[bytes], Numbers]:
    """By sha256, then fold, as a table's rows stand already; each image once a fold, and as often as every other."""
    pairs = list(zip(keys, numbers.fold.tolist(), strict=True))
    if not all(starmap(lt, pairwise(pairs))):
        order = sorted(range(len(pairs)), key=pairs.__getitem__)
        twice = next((one for one, after in pairwise(order) if pairs[one] == pairs[after]), None)
        if twice is not None:
            raise _refusal(keys[twice])
        keys, numbers = [keys[place] for place in order], _moved(numbers, np.array(order, np.int64))
    if keys:
        first = np.fromiter(chain([True], (one != after for one, after in pairwise(keys))), bool, len(keys))
        if len(set(np.diff(np.flatnonzero(first), append=len(keys)).tolist())) > 1:
            raise InvalidInput(
                "an image was judged more often than another: each once a repeat", code="bad_predictions"
            )
    return keys, numbers


def _moved(numbers: Numbers, order: Ints) -> Numbers:
    """Rows in another order."""
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    box_of, image = place[numbers.box_of], place[numbers.image]
    boxes, found = np.argsort(box_of, kind="stable"), np.argsort(image, kind="stable")
    return Numbers(
        numbers.fold[order],
        numbers.truth[order],
        box_of[boxes],
        numbers.box[boxes],
        image[found],
        numbers.values[found],
    )


def _read(rows: Sequence[Row], classes: int) -> Numbers:
    """All rows' numbers at once. ``InvalidInput`` (``bad_predictions``) names a row that is impossible."""
    fold = _whole([row["fold"] for row in rows])
    truth = _whole([classes if row["truth"] is None else row["truth"] for row in rows])
    boxes = _nested([row["boxes"] for row in rows], 4, BOXES)
    found = _nested([row["detections"] for row in rows], 6, DETECTIONS)
    if fold is None or truth is None or boxes is None or found is None:
        raise _impossible(rows, classes)
    kind, score = found[1][:, 0], found[1][:, 1]
    limits = ((fold, 1 << 31), (truth, classes + 1), (kind, classes), (score, 1_000_001))
    if any(((values < 0) | (values >= limit)).any() for values, limit in limits):
        raise _impossible(rows, classes)
    if (truth[boxes[0]] == classes).any() or any(row["truth"] == classes for row in rows):
        raise _impossible(rows, classes)  # a box of nothing; and nothing is written as None
    return Numbers(fold, truth, *boxes, found[0], _ranked(*found))


def _whole(values: Sequence[object]) -> Ints | None:
    """As an array, if all are integers of at most LIMIT either way."""
    if not set(map(type, values)) <= {int}:
        return None
    try:
        found = np.fromiter(values, np.int64, len(values))
    except OverflowError:
        return None
    return found if ((found >= -LIMIT) & (found <= LIMIT)).all() else None


def _nested(lists: Sequence[Any], width: int, most: int) -> tuple[Ints, Ints] | None:
    """Lists of at most ``most`` lists of ``width`` integers: which list each comes from, and all, (n, width)."""
    if not set(map(type, lists)) <= {list, tuple} or max(map(len, lists), default=0) > most:
        return None
    parts = list(chain.from_iterable(lists))
    if not set(map(type, parts)) <= {list, tuple} or not set(map(len, parts)) <= {width}:
        return None
    values = _whole(list(chain.from_iterable(parts)))
    of = np.repeat(np.arange(len(lists)), np.fromiter(map(len, lists), np.int64, len(lists)))
    return None if values is None else (of, values.reshape(-1, width))


def _ranked(image: Ints, found: Ints) -> Ints:
    """Each image's detections by falling score, then class, then box."""
    fine = (np.diff(image) != 0) | (np.diff(found[:, 1]) < 0)  # as an honest run writes them, but for ties
    others = np.flatnonzero(np.isin(image, image[1:][~fine]))
    if len(others):
        some = found[others]
        found[others] = some[np.lexsort((*some.T[:1:-1], some[:, 0], -some[:, 1], image[others]))]
    return found


def _impossible(rows: Sequence[Row], classes: int) -> InvalidInput:
    """The error about the first invalid row."""
    return _refusal(next((row for row in rows if not _possible(row, classes)), rows[0])["sha256"])


def _refusal(key: bytes) -> InvalidInput:
    return InvalidInput(
        f"the prediction of image {key.hex()} is impossible: a class, score, box or fold is "
        f"out of bounds, it has more than {BOXES} boxes or {DETECTIONS} detections, or the image stands twice",
        code="bad_predictions",
    )


def _possible(row: Row, classes: int) -> bool:
    shown = _within(row["truth"], classes) or (row["truth"] is None and not row["boxes"])
    if not (shown and _within(row["fold"], 1 << 31)):
        return False
    lists = (row["boxes"], BOXES), (row["detections"], DETECTIONS)
    if not all(isinstance(one, (list, tuple)) and len(one) <= most for one, most in lists):
        return False
    return all(_integers(box, 4) for box in row["boxes"]) and all(
        _integers(one, 6) and 0 <= one[0] < classes and 0 <= one[1] <= 1_000_000 for one in row["detections"]
    )


def _within(value: object, limit: int) -> bool:
    return type(value) is int and 0 <= value < limit


def _integers(values: object, count: int) -> bool:
    return (
        isinstance(values, (list, tuple))
        and len(values) == count
        and all(type(value) is int and abs(value) <= LIMIT for value in values)
    )
