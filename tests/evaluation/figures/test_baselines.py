"""Baselines against scikit-learn's DummyClassifier."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, average_precision_score, f1_score

from registry.evaluation.figures.baselines import baselines

COUNTS = (46, 12, 70, 30)


def matrix(counts: tuple[int, ...], more: int = 0) -> list[list[int]]:
    """Confusion of a perfect model: baselines depend on the truths alone."""
    rows = [[n if i == j else 0 for j in range(len(counts) + 1)] for i, n in enumerate(counts)]
    return [*rows, [0] * len(counts) + [more]] if more else rows


def test_the_majority_is_that_of_scikit_learn() -> None:
    truth = np.repeat(np.arange(4), COUNTS)
    guess = DummyClassifier(strategy="most_frequent").fit(truth[:, None], truth).predict(truth[:, None])
    found = baselines(matrix(COUNTS), 4)
    assert found is not None
    assert float(found.majority["accuracy"]) == pytest.approx(accuracy_score(truth, guess), abs=1e-6)
    assert float(found.majority["macro_f1"]) == pytest.approx(
        f1_score(truth, guess, average="macro", zero_division=0), abs=1e-6
    )
    flat = [average_precision_score(truth == label, np.zeros(len(truth))) for label in range(4)]
    assert float(found.majority["pr_auc"]) == pytest.approx(np.mean(flat), abs=1e-6)


def test_chance_is_what_many_throws_come_to() -> None:
    truth = np.repeat(np.arange(4), [50 * n for n in COUNTS])
    guess = DummyClassifier(strategy="uniform", random_state=1).fit(truth[:, None], truth).predict(truth[:, None])
    found = baselines(matrix(COUNTS), 4)
    assert found is not None
    assert float(found.chance["accuracy"]) == pytest.approx(accuracy_score(truth, guess), abs=0.02)
    assert float(found.chance["macro_f1"]) == pytest.approx(f1_score(truth, guess, average="macro"), abs=0.02)


def test_pictures_without_an_object_are_never_guessed_right() -> None:
    found = baselines(matrix((10, 10), more=20), 2)
    assert found is not None
    assert (found.majority["accuracy"], found.chance["accuracy"]) == ("0.250000", "0.250000")
    assert baselines([[0, 0, 0], [0, 0, 0]], 2) is None
