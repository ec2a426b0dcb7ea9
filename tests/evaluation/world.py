"""Made-up predictions: hypothesis strategies and a seeded crowd."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from hypothesis import strategies as st

Row = dict[str, Any]
CLASSES = ("triste", "sorprendido", "feliz", "enojado")


def sha(number: int) -> bytes:
    """An image's digest, spread as real ones are."""
    return hashlib.sha256(number.to_bytes(8, "big")).digest()


def row(number: int, truth: int | None, *detections: tuple[int, int], fold: int = 0) -> Row:
    """An image with one box (none where it shows nothing) that every (class, score) hits exactly."""
    box = [100, 100, 1000, 1000]
    ranked = sorted(([kind, score, *box] for kind, score in detections), key=lambda one: (-one[1], one))
    return {
        "sha256": sha(number),
        "fold": fold,
        "truth": truth,
        "boxes": [] if truth is None else [box],
        "detections": ranked,
    }


@st.composite
def detections(draw: st.DrawFn, classes: int) -> list[list[int]]:
    """Up to six, of few different scores (so that ties are common) and boxes that overlap in every degree."""
    one = st.tuples(
        st.integers(0, classes - 1),
        st.sampled_from([0, 1, 250_000, 250_001, 500_000, 700_000, 999_999, 1_000_000]),
        st.integers(0, 6).map(lambda step: 100 * step),
        st.integers(0, 2).map(lambda step: 100 * step),
        st.sampled_from([0, 800, 1000, 1300]),
        st.sampled_from([1000, 1000, 700]),
    )
    found = draw(st.lists(one, max_size=6))
    return [list(item) for item in sorted(found, key=lambda item: (-item[1], item))]


@st.composite
def worlds(draw: st.DrawFn, classes: int | None = None, most: int = 12, nothing: bool = False) -> tuple[list[Row], int]:
    """Rows and the number of classes: empty classes, ties, images without a detection and single classes included;
    and pictures that show ``nothing``, where asked (the first row is of a class)."""
    k = draw(st.integers(1, 4)) if classes is None else classes
    rows = []
    for number in range(draw(st.integers(1, most))):
        boxes = draw(
            st.lists(
                st.tuples(st.sampled_from([0, 100, 300]), st.just(0), st.just(1000), st.just(1000)),
                min_size=1,
                max_size=3,
            )
        )
        truth = None if nothing and number and draw(st.integers(0, 3)) == 0 else draw(st.integers(0, k - 1))
        rows.append(
            {
                "sha256": sha(number),
                "fold": draw(st.integers(0, 2)),
                "truth": truth,
                "boxes": [] if truth is None else [list(box) for box in boxes],
                "detections": draw(detections(k)),
            }
        )
    return rows, k


def truths(rows: list[Row], k: int) -> list[int]:
    """Classes, k of a picture that shows nothing."""
    return [k if one["truth"] is None else one["truth"] for one in rows]


def crowd(images: int, each: int, seed: int = 1, folds: int = 5) -> tuple[list[Row], dict[bytes, bytes]]:
    """Many rows with ``each`` detections, three images a person; and the persons."""
    random = np.random.Generator(np.random.PCG64(seed))
    rows, clusters = [], {}
    for number in range(images):
        truth = int(random.integers(len(CLASSES)))
        found = []
        for _ in range(each):
            kind = truth if random.random() < 0.6 else int(random.integers(len(CLASSES)))
            place = [1000 + int(value) for value in random.integers(-300, 300, 2)]
            found.append(
                [kind, int(random.integers(10_000, 1_000_000)), *place, 5000 + int(random.integers(300)), 5000]
            )
        rows.append(
            {
                "sha256": sha(number),
                "fold": number // 3 % folds,
                "truth": truth,
                "boxes": [[1000, 1000, 5000, 5000]],
                "detections": sorted(found, key=lambda one: (-one[1], one)),
            }
        )
        clusters[sha(number)] = sha(number // 3 * 3)
    return rows, clusters
