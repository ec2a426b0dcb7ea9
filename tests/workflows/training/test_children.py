"""What tests take for a child in this process gives what a child gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.assembly import Home
from registry.core import records
from tests.support.children import in_this_process
from tests.support.forgery import publish, simulated_home


def learned(home: Home) -> list[object]:
    """What a release's folds left."""
    evaluation = publish(home).view.evaluation
    trainings = [records.parse_as(records.Training, home.store.get(cid)) for cid in evaluation.trainings]
    return [evaluation.draw, evaluation.predictions, [(one.fold, one.weights, one.history) for one in trainings]]


def test_folds_in_this_process_give_the_predictions_and_weights_that_children_give(tmp_path: Path) -> None:
    with simulated_home(tmp_path, children=True) as home:
        real = learned(home)
        with pytest.MonkeyPatch.context() as patch:
            in_this_process(patch)
            assert learned(home) == real
