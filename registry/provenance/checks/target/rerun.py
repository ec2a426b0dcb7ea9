"""What levels 7 and 8 ask of whoever can run a method: the checks themselves run nothing.

Invariants: recipes, weights and images are a stranger's; whoever implements this runs them in processes of their own,
within bounds, and gives back values alone. ``Unavailable`` where this machine can't: then nothing is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from registry.core.ipld.cid import CID
from registry.core.ipld.dag import Get
from registry.core.ports.method import Detection

Read = Callable[[bytes], bytes]  # an image's bytes by its sha256


@dataclass(frozen=True)
class Asked:
    """Weights (their files by name) and the images, by rising sha256, that they are to see again. ``exported``: the
    files are of another format, as ``Method.run_export`` takes them."""

    weights: Mapping[str, bytes]
    images: tuple[bytes, ...]
    exported: bool = False


@dataclass(frozen=True)
class Retraining:
    """A fold (None: the refit) of a draw that is to be trained again. ``recipe``: the values with which it was trained,
    ``epochs``: only so many of them (None: all)."""

    draw: CID
    fold: int | None
    method: str
    recipe: Mapping[str, Any]
    base: Mapping[str, bytes] | None
    epochs: int | None


@dataclass(frozen=True)
class Retrained:
    """As ``FoldOutcome``: a history, the digest of the weights, what they say of the judged images."""

    history: Sequence[tuple[int, Mapping[str, str], str | None]]
    tensors: str
    predictions: Mapping[bytes, tuple[Detection, ...]]


class Rerun(Protocol):
    """Runs methods again."""

    def see(
        self, method: str, recipe: Mapping[str, Any], classes: tuple[str, ...], asked: Sequence[Asked], read: Read
    ) -> list[Mapping[bytes, tuple[Detection, ...]]]:
        """What each of ``asked`` sees in its images. ``Untrusted`` for weights or files that can't be run,
        ``InvalidInput`` for an image that can't be read."""
        ...

    def train(self, work: Retraining, get: Get, read: Read) -> Retrained:
        """Train again, from the draw's records; what a killed call has done is gone on with."""
        ...
