"""What a plan and a training say of the weights that they begin from.

Invariants: ``seen`` None means that nobody knows what these weights were trained on, which is not the same as nothing;
with ``whole`` False it counts at least so many.
"""

from __future__ import annotations

from registry.core.records.base import Part


class Seen(Part, frozen=True, kw_only=True):
    """Of the judged images: how many base weights were trained on, of how many persons they were trained on pictures,
    and how many other images are near-duplicates of what they were trained on."""

    images: int  # that are judged and were trained on
    persons: int  # of whom pictures were trained on
    near_duplicates: int  # further judged images


class BaseSeen(Part, frozen=True, kw_only=True):
    """The tensors' digest of base weights (as ``Training.tensors``; None where none can be taken), and what they have
    seen."""

    tensors: str | None  # digest of the base weights; None where none can be taken
    seen: Seen | None  # None: nobody knows


class Origin(Part, frozen=True, kw_only=True):
    """``BaseSeen`` of all judged images; ``whole``: the lineage is known back to weights that began from nothing."""

    tensors: str | None  # digest of the base weights; None where none can be taken
    whole: bool  # whether the lineage is known back to its beginning
    seen: Seen | None  # None: nobody knows
