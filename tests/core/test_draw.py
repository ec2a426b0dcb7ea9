"""Folds: whole groups, even classes, decided by hashing alone, the same from any order of input."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.core import records
from registry.core.draw import check_leaks, check_repeats, draw_folds, draw_seed, repeated_folds, union_groups
from registry.core.errors import InvalidInput
from tests.evaluation.world import sha

SEED = bytes(range(32))


def persons(sizes: list[int]) -> tuple[dict[bytes, bytes], dict[bytes, int]]:
    """Groups of these sizes, named by their smallest member, with labels by turns."""
    groups, labels, number = {}, {}, 0
    for size in sizes:
        members = [sha(number + i) for i in range(size)]
        groups.update(dict.fromkeys(members, min(members)))
        labels.update({member: (number + i) % 4 for i, member in enumerate(members)})
        number += size
    return groups, labels


def shuffled(mapping: dict[bytes, bytes], seed: int) -> dict[bytes, bytes]:
    keys = list(mapping)
    random.Random(seed).shuffle(keys)
    return {key: mapping[key] for key in keys}


@given(st.lists(st.integers(1, 6), min_size=5, max_size=60), st.integers(2, 5), st.binary(min_size=32, max_size=32))
@settings(deadline=None)
def test_every_draw_keeps_its_invariants(sizes: list[int], k: int, seed: bytes) -> None:
    groups, labels = persons(sizes)
    folds = draw_folds(groups, labels, k, seed)
    assert set(folds) == set(groups)
    assert set(folds.values()) == set(range(k))
    check_leaks(folds, groups)
    assert folds == draw_folds(shuffled(groups, 1), labels, k, seed)
    assert list(folds) == sorted(folds)


def test_repeats_are_drawn_anew_each_with_its_own_folds() -> None:
    groups, labels = persons([1, 2, 3] * 20)
    found = repeated_folds(groups, labels, 5, 3, SEED)
    assert len(found) == 3 * len(groups)
    check_repeats(found, groups, 5, 3)
    first = {member: fold for (member, repeat), fold in found.items() if repeat == 0}
    second = {member: fold - 5 for (member, repeat), fold in found.items() if repeat == 1}
    assert first == draw_folds(groups, labels, 5, SEED)
    assert second == draw_folds(groups, labels, 5, hashlib.sha256(SEED + (1).to_bytes(8, "big")).digest())
    assert first != second


def test_a_fold_of_another_repeat_is_a_leak() -> None:
    groups, labels = persons([2] * 10)
    found = repeated_folds(groups, labels, 2, 2, SEED)
    for change in ({min(found): 3}, {min(found): 1 - found[min(found)]}):
        with pytest.raises(InvalidInput) as caught:
            check_repeats({**found, **change}, groups, 2, 2)
        assert caught.value.code == "leak"


def test_a_group_may_bear_any_name() -> None:
    groups, labels = persons([2] * 20)
    renamed = {member: hashlib.sha256(b"x" + name).digest() for member, name in groups.items()}
    assert draw_folds(groups, labels, 5, SEED) == draw_folds(renamed, labels, 5, SEED)


def test_each_fold_has_its_share_of_each_class() -> None:
    groups, labels = persons([1, 2, 3, 4] * 20)
    folds = draw_folds(groups, labels, 5, SEED)
    for label in range(4):
        found = Counter(folds[member] for member in folds if labels[member] == label)
        assert max(found.values()) - min(found.values()) <= 1
    sizes = Counter(folds.values())
    assert max(sizes.values()) - min(sizes.values()) <= 2


def test_the_seed_decides() -> None:
    groups, labels = persons([1] * 40)
    assert draw_folds(groups, labels, 4, SEED) != draw_folds(groups, labels, 4, bytes(32))


def test_rule_greedy_v1_by_hand() -> None:
    """Six images of one class, one a group: the queue is by keyed hash, and folds fill by turns."""
    groups = {sha(i): sha(i) for i in range(6)}
    queue = sorted(groups, key=lambda one: hashlib.sha256(SEED + one).digest())
    wanted = {member: place % 3 for place, member in enumerate(queue)}
    assert draw_folds(groups, dict.fromkeys(groups, 0), 3, SEED) == wanted


def test_larger_groups_go_first() -> None:
    groups, labels = persons([1, 1, 4, 1, 1])
    labels = dict.fromkeys(labels, 0)
    folds = draw_folds(groups, labels, 2, SEED)
    (large,) = {folds[member] for member, name in groups.items() if list(groups.values()).count(name) == 4}
    assert large == 0
    assert Counter(folds.values()) == {0: 4, 1: 4}


def test_folds_are_those_of_the_releases_that_are_out() -> None:
    """Folds of today, so that no later change draws others for a release that is out."""
    groups, labels = persons([3, 1, 2, 1, 1, 2, 5, 1])
    folds = draw_folds(groups, labels, 3, SEED)
    text = "".join(str(folds[sha(number)]) for number in range(16))
    assert text == "1112222122000001"


@pytest.mark.parametrize(("sizes", "k"), [([1, 1], 3), ([9], 2), ([1, 1, 1], 1)])
def test_fewer_groups_than_folds_are_refused(sizes: list[int], k: int) -> None:
    with pytest.raises(InvalidInput, match="groups") as caught:
        draw_folds(*persons(sizes), k, SEED)
    assert caught.value.code == "too_few_groups"


def test_an_image_without_a_label_is_drawn_into_no_fold() -> None:
    groups, labels = persons([1, 1, 1])
    labels.pop(sha(1))
    with pytest.raises(InvalidInput) as caught:
        draw_folds(groups, labels, 2, SEED)
    assert caught.value.code == "no_label"


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=30))
def test_pairs_make_the_groups_that_reach_each_other(links: list[tuple[int, int]]) -> None:
    members = [bytes([number]) for number in range(16)]
    pairs = [(members[one], members[other]) for one, other in links]
    found = union_groups(pairs, reversed(members))
    assert found == union_groups(reversed([(b, a) for a, b in pairs]), members)
    reachable = {member: {member} for member in members}
    for _ in range(16):  # the slow way
        for one, other in pairs:
            joined = reachable[one] | reachable[other]
            for member in joined:
                reachable[member] = reachable[member] | joined
    assert found == {member: min(reachable[member]) for member in members}


def test_a_pair_with_a_stranger_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        union_groups([(b"a", b"z")], [b"a", b"b"])
    assert caught.value.code == "unknown_member"


def test_a_person_in_two_folds_is_a_leak() -> None:
    groups = {b"a": b"a", b"b": b"a", b"c": b"c"}
    check_leaks({b"a": 0, b"b": 0, b"c": 1}, groups)
    for folds in ({b"a": 0, b"b": 1, b"c": 1}, {b"a": 0, b"b": 0}):
        with pytest.raises(InvalidInput) as caught:
            check_leaks(folds, groups)
        assert caught.value.code == "leak"


def test_the_seed_follows_from_the_plan_and_its_beacons() -> None:
    plan, block, drand = b"\x01\x71\x12\x20" + bytes(32), bytes(range(32)), bytes(32)
    start = b"emotionet draw 1\n" + plan + b"\0\0\0\0\0\0\0\x07"
    assert draw_seed(plan, 7, []) == hashlib.sha256(start).digest()
    assert draw_seed(plan, 7, [block]) == hashlib.sha256(start + block).digest()
    assert draw_seed(plan, 7, [block, drand]) == hashlib.sha256(start + block + drand).digest()
    assert len({draw_seed(plan, seed, one) for seed in (7, 8) for one in ([], [block], [drand, block])}) == 6


@pytest.mark.parametrize(("seed", "values"), [(-1, []), (1 << 64, []), (1, [b"short"]), (1, [b""]), (1, [bytes(64)])])
def test_a_seed_beyond_its_bounds_is_refused(seed: int, values: list[bytes]) -> None:
    with pytest.raises(InvalidInput) as caught:
        draw_seed(b"plan", seed, values)
    assert caught.value.code == "bad_seed"


def test_the_values_of_beacons() -> None:
    place: dict[str, Any] = {
        "chain": "eip155:1",
        "contract": "0x",
        "transaction": "0x",
        "block_number": 1,
        "time": "2026-11-23T12:00:00Z",
    }
    assert records.EvmBlock(**place, block_hash="0x" + "0a" * 32).value == b"\x0a" * 32
    for bad in ("0x0", "0a" * 32, "0x" + "0A" * 32, "0x" + "0a" * 32 + "\n"):
        with pytest.raises(InvalidInput):
            assert records.EvmBlock(**place, block_hash=bad).value
    drand = records.DrandRound(chain="ab", round=3, signature=b"signed")
    assert drand.value == hashlib.sha256(b"signed").digest()
