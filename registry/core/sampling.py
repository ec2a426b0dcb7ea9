"""Samples that nobody chose: from a seed and keys alone, so that two auditors with one seed draw the same.

Method: each key is ranked by sha256 over a domain, the seed and the key; the ``count`` smallest are the sample. That is
a uniform draw without replacement, whatever order the keys come in, and a larger count keeps all of a smaller one.
The seed is sha256 over a domain, what is audited and the beacon's value: neither auditor nor issuer picks it, where the
beacon became known after what is audited.

What a sample finds is the hypergeometric distribution's: of N items with K doctored, n drawn at random miss all of them
with C(N-K, n) / C(N, n).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, comb

from registry.core.records import Beacon, DrandRound, EvmBlock

_SEED, _RANK = b"emotionet sample seed 1\0", b"emotionet sample 1\0"
SEED_BYTES = 32
USUAL = 300  # finds 1 % of doctored items with 95 %
CONFIDENCE = Fraction(95, 100)


@dataclass(frozen=True)
class Sample:
    """How many are drawn at most, and by which seed. ``beacon``: what the seed came from; None: the auditor chose."""

    count: int
    seed: bytes
    beacon: Beacon | None = None

    @property
    def source(self) -> str:
        """Where the seed came from, in words."""
        match self.beacon:
            case EvmBlock() as block:
                return f"by block {block.block_number} of {block.chain[:40]}"
            case DrandRound() as one:
                return f"by round {one.round} of drand {one.chain[:8]}"
            case None:
                return f"by the auditor's own seed {self.seed.hex()[:16]}"


def sample_seed(target: bytes, value: bytes) -> bytes:
    """The seed for what is audited (its entry's CID) and a beacon's value."""
    return hashlib.sha256(_SEED + len(target).to_bytes(4, "big") + target + value).digest()


def draw_sample(seed: bytes, keys: Iterable[bytes], count: int) -> frozenset[bytes]:
    """``count`` of the different keys, or all where there are no more."""
    ranked = sorted(set(keys), key=lambda key: (hashlib.sha256(_RANK + seed + key).digest(), key))
    return frozenset(ranked[:count])


def finds(size: int, of: int, share: Fraction = Fraction(1, 100)) -> Fraction:
    """With which probability a sample of ``size`` of ``of`` items has one of those that were doctored, where a
    ``share`` of all (at least one) was."""
    if of == 0:
        return Fraction(0)
    bad = max(1, ceil(of * share))
    return 1 - Fraction(comb(of - bad, min(size, of)), comb(of, min(size, of)))


def found_with(size: int, of: int, confidence: Fraction = CONFIDENCE) -> int:
    """The smallest number of doctored items of which such a sample has one with this probability."""
    low, high = 1, max(1, of)
    while low < high:
        middle = (low + high) // 2
        if finds(size, of, Fraction(middle, of)) >= confidence:
            high = middle
        else:
            low = middle + 1
    return low
