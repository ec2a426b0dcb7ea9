"""Losses from histories: sums, the best epoch, gaps; and what no training writes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.errors import InvalidInput
from registry.core.records import LossNames, Overfitting
from registry.evaluation.figures import overfitting as figures
from registry.evaluation.figures.overfitting import History, loss_curves, overfitting

loss = st.integers(0, 50_000_000)

LOSSES = LossNames(training=("train/box_loss", "train/cls_loss"), validation=("val/box_loss", "val/cls_loss"))


def history_of(fold: int | None, rows: list[dict[str, Any]]) -> History:
    return figures.history_of(fold, rows, LOSSES)


def rows(*epochs: tuple[int, str | None, str | None]) -> list[dict[str, Any]]:
    """(epoch, train, val) with the loss of boxes alone."""
    return [
        {
            "epoch": epoch,
            "values": {
                **({"train/box_loss": train} if train is not None else {}),
                **({"val/box_loss": val} if val is not None else {}),
                "metrics/mAP50(B)": "0.500000",
            },
        }
        for epoch, train, val in epochs
    ]


def test_the_last_epoch_stands_beside_the_best() -> None:
    found = history_of(
        0,
        [
            {"epoch": 1, "values": {"train/box_loss": "2.000000", "train/cls_loss": "1.500000"}},
            {
                "epoch": 2,
                "values": {
                    "train/box_loss": "1.000000",
                    "train/cls_loss": "0.500000",
                    "val/box_loss": "1.250000",
                    "val/cls_loss": "0.750000",
                },
            },
            {"epoch": 3, "values": {"train/box_loss": "0.100000", "val/box_loss": "3.000000"}},
        ],
    )
    (one, mean) = overfitting([found])
    assert one == Overfitting(
        name="fold 0",
        epochs=3,
        best_epoch=2,
        last_train="0.100000",
        last_val="3.000000",
        last_gap="2.900000",
        best_train="1.500000",
        best_val="2.000000",
        best_gap="0.500000",
    )
    assert (mean.name, mean.epochs, mean.best_epoch, mean.last_gap) == ("mean", None, None, "2.900000")
    assert loss_curves([found]) == {
        "train_loss(fold 0)": [["1.000000", "3.500000"], ["2.000000", "1.500000"], ["3.000000", "0.100000"]],
        "val_loss(fold 0)": [["2.000000", "2.000000"], ["3.000000", "3.000000"]],
        "loss_gap(fold 0)": [["2.000000", "0.500000"], ["3.000000", "2.900000"]],
    }


def test_means_are_over_folds_that_have_it_and_never_over_a_refit() -> None:
    histories = [
        history_of(None, rows((1, "9.000000", None))),
        history_of(1, rows((1, "1.000000", "2.000000"))),
        history_of(0, rows((1, "2.000000", "2.000000"))),
        history_of(2, rows((1, "4.000000", None))),
    ]
    *ones, mean = overfitting(histories)
    assert [one.name for one in ones] == ["fold 0", "fold 1", "fold 2", "refit"]
    assert (mean.last_train, mean.last_val, mean.last_gap) == ("2.333333", "2.000000", "0.500000")
    assert (ones[2].last_val, ones[2].best_epoch, ones[2].best_gap) == (None, None, None)
    assert set(loss_curves(histories)) >= {"train_loss(refit)", "val_loss(fold 1)"}
    assert "val_loss(refit)" not in loss_curves(histories)
    assert overfitting(histories[:1])[-1].name == "refit"  # no folds, no mean
    assert overfitting([]) == ()


def test_the_earliest_of_equal_epochs_and_negative_gaps() -> None:
    found = history_of(0, rows((5, "2.000000", "1.500000"), (9, "2.000000", "1.500000")))
    assert (overfitting([found])[0].best_epoch, overfitting([found])[0].last_gap) == (5, "-0.500000")


@pytest.mark.parametrize(
    "bad", ["nan", "inf", "1e999999999", "1.5", "", "-", "1" * 13 + ".000000", None, 5, "1.0000000"]
)
def test_a_loss_that_is_no_number_is_none(bad: Any) -> None:
    found = history_of(0, [{"epoch": 1, "values": {"train/box_loss": "1.000000", "train/cls_loss": bad}}])
    assert found.train == {}
    assert overfitting([found])[0].last_train is None


@pytest.mark.parametrize(
    "row",
    [
        {"epoch": -1, "values": {}},
        {"epoch": "1", "values": {}},
        {"epoch": True, "values": {}},
        {"epoch": 1, "values": []},
        {"epoch": 10**9, "values": {}},
    ],
)
def test_what_no_training_writes_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        history_of(0, [row])
    assert caught.value.code == "bad_history"


def test_nothing_is_known() -> None:
    found = history_of(0, [{"epoch": 1, "values": {"loss": "1.000000"}}])
    one, mean = overfitting([found])
    assert (one.epochs, one.best_epoch, one.last_train, one.last_gap) == (1, None, None, None)
    assert mean.best_val is None
    assert loss_curves([found]) == {}
    assert overfitting([history_of(0, [])])[0].epochs is None


@given(st.dictionaries(st.integers(1, 60), st.tuples(loss, st.none() | loss), min_size=1, max_size=12))
def test_a_plain_loop_says_the_same(losses: dict[int, tuple[int, int | None]]) -> None:
    text = "{:d}.{:06d}"
    found = history_of(
        3,
        rows(
            *(
                (epoch, text.format(*divmod(train, 10**6)), None if val is None else text.format(*divmod(val, 10**6)))
                for epoch, (train, val) in losses.items()
            )
        ),
    )
    one = overfitting([found])[0]
    judged = [(val, epoch) for epoch, (_, val) in losses.items() if val is not None]
    assert one.epochs == max(losses)
    assert one.best_epoch == (min(judged)[1] if judged else None)
    if judged:
        assert float(one.best_val or "x") == min(judged)[0] / 1e6
        train = losses[min(judged)[1]][0]
        assert float(one.best_gap or "x") == pytest.approx((min(judged)[0] - train) / 1e6, abs=1e-9)
    assert len(loss_curves([found])["train_loss(fold 3)"]) == len(losses)
