"""``greedy-v1`` in the plain way, with fractions over all folds: the draw must give the same to the image.

Until this stood here each line of the rule's cost could be changed without a test that noticed (``make mutants``).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.core.draw import check_repeats, draw_folds, repeated_folds
from registry.core.errors import InvalidInput

SEED = bytes(range(32))
Persons = list[list[int | None]]  # of each person, the classes of their images


def world(persons: Persons) -> tuple[dict[bytes, bytes], dict[bytes, int | None]]:
    groups: dict[bytes, bytes] = {}
    labels: dict[bytes, int | None] = {}
    for person, classes in enumerate(persons):
        members = [hashlib.sha256(b"%d %d" % (person, image)).digest() for image in range(len(classes))]
        groups |= dict.fromkeys(members, min(members))
        labels |= dict(zip(members, classes, strict=True))
    return groups, labels


Labels = dict[bytes, int | None]


def distance(folds: dict[bytes, int], labels: Labels, k: int) -> Fraction:
    """The sum, over all folds and classes, of squared (count minus a k-th of the class)."""
    totals = Counter(labels.values())
    counts = Counter((labels[member], fold) for member, fold in folds.items())
    return sum(
        ((counts[label, fold] - Fraction(totals[label], k)) ** 2 for label in totals for fold in range(k)), Fraction(0)
    )


def plain(groups: dict[bytes, bytes], labels: Labels, k: int, seed: bytes) -> dict[bytes, int]:
    """Each group in its turn into the fold that leaves all folds nearest to a k-th of each class."""
    sizes = Counter(groups.values())
    turns = sorted(sizes, key=lambda name: (-sizes[name], hashlib.sha256(seed + name).digest()))
    folds: dict[bytes, int] = {}
    for name in turns:
        members = [member for member, group in groups.items() if group == name]
        held = Counter(folds.values())
        choices = [folds | dict.fromkeys(members, fold) for fold in range(k)]
        *_, best = min((distance(one, labels, k), held[fold], fold) for fold, one in enumerate(choices))
        folds = choices[best]
    return folds


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([0, 1, 2, None]), min_size=1, max_size=4), min_size=2, max_size=14),
    st.integers(2, 4),
    st.binary(min_size=32, max_size=32),
)
def test_the_draw_is_the_rule_said_plainly(persons: Persons, k: int, seed: bytes) -> None:
    groups, labels = world(persons)
    wanted = plain(groups, labels, k, seed)
    if set(wanted.values()) == set(range(k)):
        assert draw_folds(groups, labels, k, seed) == wanted
    else:
        with pytest.raises(InvalidInput) as caught:
            draw_folds(groups, labels, k, seed)
        assert caught.value.code == "too_few_groups"


def test_as_many_persons_as_folds_have_a_fold_each() -> None:
    groups, labels = world([[0], [0], [0]])
    assert sorted(draw_folds(groups, labels, 3, SEED).values()) == [0, 1, 2]
    check_repeats(repeated_folds(groups, labels, 3, 1, SEED), groups, 3, 1)


def test_a_repeat_is_drawn_from_the_seed_and_its_number_in_eight_bytes() -> None:
    groups, labels = world([[number % 3] for number in range(12)])
    found = repeated_folds(groups, labels, 3, 2, SEED)
    again = hashlib.sha256(SEED + b"\0\0\0\0\0\0\0\x01").digest()
    assert {member: fold for (member, of), fold in found.items() if of == 0} == plain(groups, labels, 3, SEED)
    second = {member: 3 + fold for member, fold in plain(groups, labels, 3, again).items()}
    assert {member: fold for (member, of), fold in found.items() if of == 1} == second
    check_repeats(found, groups, 3, 2)


@pytest.mark.parametrize("change", ["a leak", "another repeat's fold", "a third repeat", "missing"])
def test_every_repeat_is_looked_at(change: str) -> None:
    groups, labels = world([[0, 1], [1], [0], [1], [0], [1]])
    found = repeated_folds(groups, labels, 2, 2, SEED)
    pair = sorted(member for member, name in groups.items() if list(groups.values()).count(name) == 2)
    if change == "a leak":
        found[pair[0], 1] = 5 - found[pair[0], 1]
    elif change == "another repeat's fold":
        found |= {(member, 1): 0 for member in pair}
    elif change == "a third repeat":
        found[pair[0], 2] = 4
    else:
        del found[pair[0], 1]
    with pytest.raises(InvalidInput) as caught:
        check_repeats(found, groups, 2, 2)
    assert caught.value.code == "leak"
