"""People's agreement against scikit-learn's Cohen and Fleiss' own example."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from registry.cli.texts.snapshot import _agreement as text_of
from registry.evaluation import agreement as module
from registry.evaluation.agreement import agreement

# Table 1 of https://en.wikipedia.org/wiki/Fleiss%27_kappa: 14 people, 10 subjects, 5 categories
FOURTEEN = (
    *((0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1)),
    *((7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7)),
)


def spread(row: tuple[int, ...]) -> dict[str, int]:
    """Labels by person from counts."""
    labels = [label for label, count in enumerate(row) for _ in range(count)]
    return {f"p{number}": label for number, label in enumerate(labels)}


def test_fleiss_kappa_is_that_of_the_known_example() -> None:
    found = agreement(map(spread, FOURTEEN))
    assert found is not None
    assert (found.kind, found.images, found.people, found.labels) == ("fleiss", 10, 14, 140)
    assert found.agreement == "0.378022"
    assert found.kappa == "0.209931"
    assert found.patterns[0] == (14, 14, 1)
    assert sum(images for *_, images in found.patterns) == 10


@pytest.mark.parametrize("seed", range(5))
def test_cohen_kappa_is_that_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    one = random.integers(0, 4, 60)
    other = np.where(random.random(60) < 0.6, one, random.integers(0, 4, 60))
    found = agreement({"a": int(a), "b": int(b)} for a, b in zip(one, other, strict=True))
    assert found is not None
    assert found.kind == "cohen"
    assert float(found.kappa or "nan") == pytest.approx(cohen_kappa_score(one, other), abs=1e-6)
    assert float(found.agreement) == pytest.approx(float(np.mean(one == other)), abs=1e-6)


def test_images_with_different_numbers_of_people_count_alike() -> None:
    found = agreement([{"a": 0, "b": 0, "c": 1}, {"a": 1, "b": 1}, {"a": 2}])
    assert found is not None
    assert (found.images, found.labels, found.agreement) == (2, 5, "0.666667")
    assert found.patterns == ((3, 2, 1), (2, 2, 1))


def test_one_label_everywhere_has_no_kappa_and_one_person_no_agreement() -> None:
    same = agreement([{"a": 1, "b": 1}, {"a": 1, "b": 1}])
    assert same is not None
    assert (same.agreement, same.kappa) == ("1.000000", None)
    assert agreement([{"a": 1}, {}]) is None


def test_krippendorffs_alpha_is_that_of_his_own_example() -> None:
    """Computing Krippendorff's Alpha-Reliability (2011), C: nominal data, four observers, missing values: 0.743."""
    observers = (
        (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
        (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
        (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
        (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
    )
    units = [
        {who: label for who, label in enumerate(unit) if label is not None} for unit in zip(*observers, strict=True)
    ]
    found = agreement(units)
    assert found is not None
    assert float(found.alpha or "nan") == pytest.approx(0.743, abs=5e-4)
    assert (found.kind, found.kappa) == ("none", None), "neither kappa is defined where images have other numbers"
    assert [one.label for one in found.by_label] == [1, 2, 3, 4, 5]
    assert found.by_label[4].alpha == "1.000000"
    assert [(one.labeller, one.images) for one in found.by_labeller] == [(0, 9), (1, 10), (2, 10), (3, 11)]
    assert float(found.by_labeller[2].agreement) < float(found.by_labeller[3].agreement), "the third differs most"


def test_without_the_library_alpha_stays_and_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = agreement(map(spread, FOURTEEN))
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    found = agreement(map(spread, FOURTEEN))
    assert whole is not None
    assert found == replace(whole, kappa=None)
    said = {"kind": found.kind, "kappa": found.kappa, "alpha": found.alpha, "images": 10, "agreement": found.agreement}
    (line,) = text_of(said)
    assert "emotionet[agreement]" in line
    monkeypatch.undo()
    assert "emotionet[agreement]" not in text_of(said)[0]
