"""Folds: stratified, grouped, and determined by a seed through hashing alone.

Invariants: members of one group share a fold; the same groups, labels, k and seed give the same folds in
any order of input and with any library version; nothing but sha2-256 decides order.

The seed is sha2-256 of, one after the other: the 17 bytes ``emotionet draw 1`` and a line feed (0x0a); the bytes of the
plan's CID; the plan's seed as 8 bytes, big-endian; and for each of the draw's beacons, in their order, 32 bytes: of an
``evm-block`` the block's hash, of a ``drand`` round sha2-256 of its signature.

The rule ``greedy-v1``: a group's place in the queue is (-its size, sha256(seed || its smallest member));
each group in turn goes to the fold for which the sum over classes of squared (count in the fold minus a
k-th of the class) is smallest afterwards, then to the fold with fewer images, then to the smaller index.

Repeated: repeat r (from 0) is drawn by the same rule from the seed itself (r = 0), or from sha256(seed || r as 8
bytes, big-endian); its folds are numbered r * k to r * k + k - 1.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from registry.core.errors import InvalidInput

DOMAIN = b"emotionet draw 1\n"


def draw_seed(plan: bytes, plan_seed: int, beacons: Sequence[bytes]) -> bytes:
    """The 32 bytes that the folds follow from; ``plan`` is the bytes of the plan's CID, ``beacons`` their values.

    ``InvalidInput`` (``bad_seed``) for a seed beyond 64 bits or a beacon's value that has not 32 bytes.
    """
    if not 0 <= plan_seed < 1 << 64 or any(len(value) != 32 for value in beacons):
        raise InvalidInput(
            "a draw's seed comes from an unsigned number of 64 bits and values of 32 bytes",
            code="bad_seed",
            hint="check the plan and its beacons.",
        )
    return hashlib.sha256(DOMAIN + plan + plan_seed.to_bytes(8, "big") + b"".join(beacons)).digest()


def union_groups(pairs: Iterable[tuple[bytes, bytes]], members: Iterable[bytes]) -> dict[bytes, bytes]:
    """Each member's group, named by its smallest member; ``pairs`` belong together (union-find).

    ``InvalidInput`` (``unknown_member``) for a pair with an unknown member.
    """
    parent = {member: member for member in members}

    def root(member: bytes) -> bytes:
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for one, other in pairs:
        if one not in parent or other not in parent:
            raise InvalidInput("a pair names an image that is not there: pair members only", code="unknown_member")
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return {member: root(member) for member in parent}


def draw_folds(
    groups: Mapping[bytes, bytes], labels: Mapping[bytes, int | None], k: int, seed: bytes
) -> dict[bytes, int]:
    """Fold (0 to k-1) of every member of ``groups`` (member to group's name). Labels are class indices;
    those without an object (None) are shared out like one more class.

    ``InvalidInput`` (``too_few_groups``) if some fold would stay empty, (``no_label``) if a member has no label.
    """
    if any(member not in labels for member in groups):
        raise InvalidInput("an image has a group and no label", code="no_label", hint="give every image a class.")
    members: dict[bytes, list[bytes]] = {}
    for member, name in groups.items():
        members.setdefault(name, []).append(member)
    if k < 2 or len(members) < k:
        raise InvalidInput(
            f"{len(members)} groups can't fill {k} folds",
            code="too_few_groups",
            hint="use fewer folds, or more persons.",
        )
    smallest = {name: min(found) for name, found in members.items()}
    queue = sorted(members, key=lambda name: (-len(members[name]), hashlib.sha256(seed + smallest[name]).digest()))
    totals = Counter(labels[member] for member in groups)
    counts: list[Counter[int | None]] = [Counter() for _ in range(k)]
    folds: dict[bytes, int] = {}
    for name in queue:
        added = Counter(labels[member] for member in members[name])
        best = min(range(k), key=lambda fold: (_cost(counts[fold], added, totals, k), counts[fold].total(), fold))
        counts[best] += added
        folds.update(dict.fromkeys(members[name], best))
    if not all(count.total() for count in counts):
        raise InvalidInput(
            f"the groups are too uneven to fill {k} folds", code="too_few_groups", hint="use fewer folds."
        )
    return dict(sorted(folds.items()))


def repeated_folds(
    groups: Mapping[bytes, bytes], labels: Mapping[bytes, int | None], k: int, repeats: int, seed: bytes
) -> dict[tuple[bytes, int], int]:
    """Fold (0 to repeats * k - 1) of every (member, repeat). Errors as ``draw_folds``."""
    found = {}
    for repeat in range(repeats):
        own = seed if repeat == 0 else hashlib.sha256(seed + repeat.to_bytes(8, "big")).digest()
        for member, fold in draw_folds(groups, labels, k, own).items():
            found[member, repeat] = repeat * k + fold
    return dict(sorted(found.items()))


def _cost(count: Counter[int | None], added: Counter[int | None], totals: Counter[int | None], k: int) -> int:
    """How much worse a fold gets, times k squared, so that it is an integer."""
    return sum(
        (k * (count[label] + added[label]) - totals[label]) ** 2 - (k * count[label] - totals[label]) ** 2
        for label in added
    )


def check_repeats(folds: Mapping[tuple[bytes, int], int], groups: Mapping[bytes, bytes], k: int, repeats: int) -> None:
    """``InvalidInput`` (``leak``) if in some repeat a group stands in two folds, or a member in none of its own."""
    for repeat in range(repeats):
        check_leaks({member: fold for (member, of), fold in folds.items() if of == repeat}, groups)
    wrong = [member for (member, of), fold in folds.items() if not 0 <= of < repeats or fold // k != of]
    if wrong:
        raise InvalidInput(f"image {wrong[0].hex()} is in a fold of another repeat", code="leak")


def check_leaks(folds: Mapping[bytes, int], groups: Mapping[bytes, bytes]) -> None:
    """``InvalidInput`` (``leak``) if a group stands in two folds, or a member in none."""
    seen: dict[bytes, int] = {}
    for member, name in groups.items():
        if member not in folds:
            raise InvalidInput(f"image {member.hex()} is in no fold", code="leak")
        if seen.setdefault(name, folds[member]) != folds[member]:
            raise InvalidInput(
                f"group {name.hex()} stands in two folds: one would train on what the other judges", code="leak"
            )
