"""Level 6, check by check: each stated figure, and each digest of weights, is the one that is computed again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from registry.content.unixfs import reader
from registry.core import records
from registry.core.ipld.cid import RAW, cid_of
from registry.core.weights import MODEL, WEIGHTS
from registry.provenance.checks.level6 import card, figures, weights
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED
from tests.support.forgery import Changed, new_table, replaced
from tests.support.old_release import OldRelease, outcome

Change = Callable[[OldRelease], Changed]
FIGURES = ("metrics", "thresholds", "confusion", "optimistic", "repeats", "overfitting", "curves", "fairness", "tests",
           "verdicts")  # fmt: skip


@pytest.fixture
def one() -> OldRelease:
    return OldRelease()


def of_evaluation(**edits: Callable[[Any], Any]) -> Change:
    def change(one: OldRelease) -> Changed:
        stated = one.view.evaluation
        fields = {name: edit(getattr(stated, name)) for name, edit in edits.items()}
        return replaced(one.view.release.evaluation, stated, **fields)

    return change


def first_with(**fields: Any) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    return lambda stated: (msgspec.structs.replace(stated[0], **fields), *stated[1:])


def last_with(**fields: Any) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    return lambda stated: (*stated[:-1], msgspec.structs.replace(stated[-1], **fields))


def without_last(stated: tuple[Any, ...]) -> tuple[Any, ...]:
    return stated[:-1]


def without_first(stated: tuple[Any, ...]) -> tuple[Any, ...]:
    return stated[1:]


def twice(stated: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*stated, stated[-1])


def one_more(stated: tuple[Any, ...]) -> tuple[Any, ...]:
    """Of a table of numbers the first, one larger."""
    first = stated[0] + 1 if isinstance(stated[0], int) else one_more(stated[0])
    return (first, *stated[1:])


def curve(edit: Callable[[list[Any]], list[Any]]) -> Change:
    def change(one: OldRelease) -> Changed:
        table = new_table(one, one.view.evaluation.curves, records.CURVES, edit)
        return of_evaluation(curves=lambda _: table)(one)

    return change


def last_curve(rows: list[Any]) -> list[Any]:
    rows[-1][1] = rows[-1][1][:-1]
    return rows


FORGED: list[tuple[Change, str]] = [
    (of_evaluation(metrics=first_with(value="0.999999")), "metrics"),
    (of_evaluation(metrics=last_with(value="0.123456")), "metrics"),
    (of_evaluation(metrics=last_with(n=1)), "metrics"),
    (of_evaluation(metrics=without_last), "metrics"),
    (of_evaluation(metrics=twice), "metrics"),
    (of_evaluation(per_fold=without_last), "metrics"),
    (of_evaluation(per_fold=lambda stated: (*stated[:2], last_with(n=1)(stated[2]))), "metrics"),
    (of_evaluation(per_fold=lambda stated: (*stated[:2], without_last(stated[2]))), "metrics"),
    (lambda one: of_evaluation(unseen=lambda _: one.view.evaluation.metrics)(one), "metrics"),
    (lambda one: of_evaluation(seen=lambda _: one.view.evaluation.metrics)(one), "metrics"),
    (of_evaluation(thresholds=lambda stated: (*stated[:-1], "0.500000")), "thresholds"),
    (of_evaluation(thresholds=without_last), "thresholds"),
    (of_evaluation(threshold_of_all=lambda _: "0.500000"), "thresholds"),
    (of_evaluation(confusion=one_more), "confusion"),
    (of_evaluation(several=one_more), "confusion"),
    (of_evaluation(optimistic=last_with(value="0.123456")), "optimistic"),
    (of_evaluation(optimistic=without_last), "optimistic"),
    (lambda one: of_evaluation(per_repeat=lambda _: (one.view.evaluation.metrics,))(one), "repeats"),
    (of_evaluation(overfitting=without_last), "overfitting"),
    (of_evaluation(trainings=without_last), "overfitting"),
    (of_evaluation(trainings=lambda stated: stated[::-1]), "overfitting"),
    (curve(lambda rows: rows[1:]), "curves"),
    (curve(last_curve), "curves"),
    (curve(lambda rows: [*rows, ["zz", []]]), "curves"),
    (of_evaluation(fairness=last_with(n=1)), "fairness"),
    (of_evaluation(fairness=without_last), "fairness"),
    (of_evaluation(notes=without_last), "fairness"),
    (of_evaluation(tests=without_first), "tests"),
    (of_evaluation(tests=without_last), "tests"),
    (of_evaluation(verdicts=without_last), "verdicts"),
    (of_evaluation(verdicts=lambda stated: stated[::-1]), "verdicts"),
    (lambda one: replaced(one.record, one.view.release, claims=one.view.release.claims[::-1]), "verdicts"),
    (lambda one: replaced(one.record, one.view.release, claims=()), "verdicts"),
]


@pytest.mark.parametrize(("change", "name"), FORGED)
def test_every_figure_is_computed_again(one: OldRelease, change: Change, name: str) -> None:
    one.forge(change(one))
    assert outcome(figures.checks(one.subject()), f"6.{name}")[0] == FAILS


def test_honest_figures_hold_and_are_counted(one: OldRelease) -> None:
    found = {check.id: (check.result, check.reason) for check in figures.checks(one.subject())}
    assert {id: result for id, (result, _) in found.items()} == {f"6.{name}": HOLDS for name in FIGURES}
    assert [found[f"6.{name}"][1] for name in FIGURES] == [
        "45 metrics", "3 folds", "", "", "drawn once", "", "42 curves", "", "7 groups", "2 claims"
    ]  # fmt: skip


def test_what_is_no_release_has_no_figures_and_no_weights(one: OldRelease) -> None:
    plan = one.view.release.plan_entry
    subject = one.subject(entry=plan, record=one.at(plan).record, roots=[plan])
    found = [*figures.checks(subject), *weights.checks(subject), *card.checks(subject)]
    assert {check.result for check in found} == {UNCHECKED}
    assert {check.id for check in found} == {*(f"6.{name}" for name in FIGURES), "6.weights", "6.base", "6.card"}


# --- weights -------------------------------------------------------------------------------------
def other_weights(one: OldRelease, number: int = 1, **fields: Any) -> records.Release:
    found = list(one.view.release.weights)
    found[number] = msgspec.structs.replace(found[number], **fields)
    return msgspec.structs.replace(one.view.release, weights=tuple(found))


def of_weights(number: int = 1, **fields: Any) -> Change:
    return lambda one: {one.record: records.encode(other_weights(one, number, **fields))}


def of_training(**fields: Any) -> Change:
    return lambda one: replaced(one.view.release.trainings[1], one.view.trainings[1], **fields)


def file_of(name: str, edit: Callable[[bytes], bytes]) -> Change:
    """A file in the weights folder of fold 1, with other bytes."""

    def change(one: OldRelease) -> Changed:
        there = {entry: found.cid for entry, found in reader.entries(one.store, one.view.trainings[1].weights)}
        data = edit(reader.read_whole(one.store, there[name]))
        folder = one.store.get(one.view.trainings[1].weights)
        new = cid_of(data, RAW)
        one.store.put(new, data)
        assert there[name].codec == RAW
        changed = folder.replace(bytes(there[name]), bytes(new))
        assert changed != folder
        return {one.view.trainings[1].weights: changed}

    return change


NONE = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    "change",
    [
        of_weights(tensors=NONE),
        of_weights(fold=2),
        of_weights(fold=None),
        of_training(tensors=NONE),
        lambda one: of_weights(1, cid=one.view.release.weights[0].cid)(one),
        lambda one: of_training(weights=one.view.trainings[0].weights)(one),
        of_weights(format="pickle"),
        lambda one: replaced(one.record, one.view.release, weights=one.view.release.weights[:2]),
        lambda one: replaced(one.record, one.view.release, weights=()),
        file_of(WEIGHTS, lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        file_of(WEIGHTS, lambda data: data + b"\0"),
        file_of(MODEL, lambda data: data.replace(b"feliz", b"triste", 1)),
        file_of(MODEL, lambda data: b"{}"),
    ],
)
def test_weights_are_those_of_their_trainings(one: OldRelease, change: Change) -> None:
    one.forge(change(one))
    assert outcome(weights.checks(one.subject()), "6.weights")[0] == FAILS


def test_both_records_may_not_state_another_digest_than_the_bytes_have(one: OldRelease) -> None:
    one.forge(of_training(tensors=NONE)(one))
    one.forge(of_weights(tensors=NONE)(one))
    result, reason = outcome(weights.checks(one.subject()), "6.weights")
    assert (result, "fold 1" in reason, NONE in reason) == (FAILS, True, True)


def test_honest_weights_hold_with_no_base(one: OldRelease) -> None:
    found = {check.id: (check.result, check.reason) for check in weights.checks(one.subject())}
    assert found["6.weights"][0] == HOLDS
    assert found["6.weights"][1].startswith("3 folders, 3 different digests")
    assert found["6.base"][0] == HOLDS
    assert set(found) == {"6.weights", "6.base"}


@pytest.mark.parametrize(("name", "result"), [("weights", HOLDS), ("card", FAILS)])
def test_a_base_is_a_weights_folder(one: OldRelease, name: str, result: str) -> None:
    base = one.view.release.weights[0].cid if name == "weights" else one.view.release.card
    one.forge(replaced(one.view.draw.plan, one.view.plan, base=base))
    found, reason = outcome(weights.checks(one.subject()), "6.base")
    assert found == result
    assert result == FAILS or one.view.release.weights[0].tensors in reason


# --- the card ------------------------------------------------------------------------------------
def of_card(edit: Callable[[bytes], bytes]) -> Change:
    def change(one: OldRelease) -> Changed:
        before = reader.read_whole(one.store, one.view.release.card)
        data = edit(before)
        assert data != before
        new = cid_of(data, RAW)
        one.store.put(new, data)
        return replaced(one.record, one.view.release, card=new)

    return change


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda text: text.replace(b"by template ", b"by templet "), "no template"),
        (lambda text: text.replace(b"by template ", b"by template 9"), "template 9"),
        (lambda text: text.replace(b"macro_f1", b"macro_f2", 1), "macro_f2"),
        (lambda text: text + b"More.\n", "says “More.”"),
        (lambda text: text.replace(b"\n", b"", 1), "line 1 of"),
        (lambda text: text + b"\xff", "\ufffd"),
    ],
)
def test_the_card_is_made_again_byte_by_byte(one: OldRelease, edit: Callable[[bytes], bytes], said: str) -> None:
    assert outcome(card.checks(one.subject()), "6.card")[0] == HOLDS
    one.forge(of_card(edit)(one))
    result, reason = outcome(card.checks(one.subject()), "6.card")
    assert (result, said in reason) == (FAILS, True), reason
