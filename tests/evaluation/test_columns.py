"""Impossible predictions are refused, whoever published them; a part of the columns is the columns of the part."""

from __future__ import annotations

from random import Random
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.core.errors import InvalidInput
from registry.evaluation.input.columns import take
from registry.evaluation.input.matching import match
from registry.evaluation.input.reading import columns_of
from tests.evaluation.world import Row, row, sha, worlds

BOX = [0, 0, 1, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"truth": 4},
        {"truth": -1},
        {"truth": "0"},
        {"truth": None},
        {"truth": True},
        {"fold": -1},
        {"fold": 1 << 40},
        {"fold": None},
        {"boxes": None},
        {"boxes": [[1, 2, 3]]},
        {"boxes": [["a", 0, 0, 0]]},
        {"boxes": [5]},
        {"boxes": [[1 << 50, 0, 1, 1]]},
        {"boxes": [[-(1 << 63), 0, 1, 1]]},
        {"boxes": [BOX] * 101},
        {"detections": None},
        {"detections": [[0, 1_000_001, *BOX]]},
        {"detections": [[0, -1, *BOX]]},
        {"detections": [[4, 5, *BOX]]},
        {"detections": [[-1, 5, *BOX]]},
        {"detections": [[0, 5]]},
        {"detections": [[0, 5.0, *BOX]]},
        {"detections": b"no list"},
        {"detections": [[0, 5, *BOX]] * 301},
        {"sha256": "text"},
        {"sha256": 5},
    ],
)
def test_impossible_rows_are_refused(change: dict[str, Any]) -> None:
    columns_of([row(1, 0, (0, 5))], 4)
    with pytest.raises(InvalidInput) as caught:
        columns_of([{**row(1, 0, (0, 5)), **change}, row(2, 1)], 4)
    assert caught.value.code == "bad_predictions"


def test_as_many_boxes_and_detections_as_an_image_may_have() -> None:
    rows = [{**row(1, 0, (0, 5)), "boxes": [BOX] * 100}, {**row(2, 0), "detections": [[0, 5, *BOX]] * 300}]
    assert columns_of(rows, 4).boxes.sum() == 101
    with pytest.raises(InvalidInput, match=f"{sha(2).hex()} is impossible.*more than 100 boxes"):
        columns_of([row(1, 0), {**row(2, 0), "boxes": [BOX] * 101}], 4)


def test_an_image_that_stands_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="twice"):
        columns_of([row(1, 0), row(2, 0), row(1, 0)], 4)


@given(worlds())
@settings(deadline=None)
def test_a_part_of_columns_is_that_of_its_rows(world: tuple[list[Row], int]) -> None:
    rows, k = world
    columns = columns_of(rows, k)
    for fold in range(3):
        part = take(columns, columns.fold == fold)
        wanted = columns_of([one for one in rows if one["fold"] == fold], k)
        for name in part.__dataclass_fields__:
            one: Any = getattr(part, name)
            assert np.array_equal(one, getattr(wanted, name)), name


@given(worlds(), st.integers(1, 5), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_any_chunks_in_any_order(world: tuple[list[Row], int], chunk: int, random: Random) -> None:
    """Two repeats of the same images, read in pieces and as they come, are what is read at once in order."""
    rows, k = world
    rows = [*rows, *({**one, "fold": one["fold"] + 3, "detections": one["detections"][1:]} for one in rows)]
    wanted = columns_of(sorted(rows, key=lambda one: (one["sha256"], one["fold"])), k)
    random.shuffle(rows)
    with mock.patch("registry.evaluation.input.reading.CHUNK", chunk):
        found = columns_of(iter(rows), k)
    assert found.repeats == 2
    for name in found.__dataclass_fields__:
        assert np.array_equal(getattr(found, name), getattr(wanted, name)), name


def test_an_image_that_was_judged_more_often_than_another() -> None:
    with pytest.raises(InvalidInput, match="more often"):
        columns_of([row(1, 0), row(1, 0, fold=1), row(2, 0)], 4)


def test_tuples_are_as_good_as_lists() -> None:
    one = row(1, 0, (0, 5))
    as_tuples = {**one, "detections": tuple(map(tuple, one["detections"])), "boxes": tuple(map(tuple, one["boxes"]))}
    assert columns_of([as_tuples], 1).right.tolist() == columns_of([one], 1).right.tolist() == [[True]] * 10


@given(worlds(most=20))
@settings(deadline=None, max_examples=60)
def test_all_at_once_is_each_image_by_itself(world: tuple[list[Row], int]) -> None:
    """Images are ranked and matched in arrays; ``match`` says what an image alone gets."""
    rows, k = world
    columns, flat = columns_of(rows[::-1], k), []
    for place, one in enumerate(sorted(rows, key=lambda row: row["sha256"])):
        ranked = sorted(one["detections"], key=lambda found: (-found[1], *found))
        marks = match(ranked, one["truth"], one["boxes"])
        flat += [(place, found[0], found[1], mark) for found, mark in zip(ranked, marks, strict=True)]
    flat.sort(key=lambda found: -found[2])
    assert (columns.image.tolist(), columns.kind.tolist()) == ([one[0] for one in flat], [one[1] for one in flat])
    assert columns.right.T.tolist() == [one[3] for one in flat]


def test_boxes_of_any_size_are_matched_exactly() -> None:
    """Areas beyond 64 bits are counted with Python's integers."""
    far = 1 << 39
    rows = [row(1, 0), row(2, 0)]
    rows[0] |= {"boxes": [[0, 0, far, far]], "detections": [[0, 900_000, 0, 0, far, far // 2]]}
    rows[1] |= {"boxes": [[0, 0, far, far]], "detections": [[0, 900_000, 0, 0, far, far // 2 - 1]]}
    columns = columns_of(rows, 1)
    right = {columns.keys[image]: columns.right[0, place] for place, image in enumerate(columns.image.tolist())}
    assert right == {rows[0]["sha256"]: True, rows[1]["sha256"]: False}
