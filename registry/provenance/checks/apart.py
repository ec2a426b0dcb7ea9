"""How far two honest results may lie apart: detections of one image, losses of one history.

Pure. Tolerances are the method's (``ports.method.Tolerance``), which measured them. Two lists of detections agree where
each detection of one has its own in the other, of the same class, with score and box within the tolerance. One may lack
its counterpart where the decision to list it is itself within the tolerance: its score at the floor, or its overlap
with a better one of its class at the threshold from which overlapping boxes are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from registry.core.ports.method import Detection, Tolerance

ROUNDING = 1  # hundredths of a pixel: both lists are rounded
MILLION = 1_000_000
CROWD = 4  # hundredths of overlap around ``crowded`` within which a box may be left out or not


def detections_differ(
    stated: Sequence[Detection], found: Sequence[Detection], tolerance: Tolerance, *, longer: int, floor: int
) -> str | None:
    """How two lists, each by falling score, differ by more than the tolerance; None where they don't.

    ``longer``: the image's longer side in pixels; ``floor`` in millionths.
    """
    box = ROUNDING + tolerance.box * longer * 100 // MILLION
    left = list(found)
    alone: list[tuple[str, Detection, Sequence[Detection]]] = []
    for one in stated:
        near = [other for other in left if _near(one, other, tolerance.score, box)]
        if near:
            left.remove(min(near, key=lambda other: _distance(one, other)))
        else:
            alone.append(("published", one, stated))
    alone += [("seen here", one, found) for one in left]
    for whose, one, beside in alone:
        if one[1] > floor + tolerance.score and not _crowded(one, beside, tolerance.crowded):
            return f"class {one[0]} with score {one[1] / MILLION:.6f} is only {whose}"
    return None


def _distance(one: Detection, other: Detection) -> int:
    return sum(abs(a - b) for a, b in zip(one[1:], other[1:], strict=True))


def _near(one: Detection, other: Detection, score: int, box: int) -> bool:
    return (
        one[0] == other[0]
        and abs(one[1] - other[1]) <= score
        and all(abs(a - b) <= box for a, b in zip(one[2:], other[2:], strict=True))
    )


def _crowded(one: Detection, beside: Iterable[Detection], crowded: int) -> bool:
    """Whether a better detection of its class overlaps it about as much as is left out."""
    overlaps = [overlap(one, other) for other in beside if other[0] == one[0] and other[1] > one[1]]
    return any(abs(overlap - crowded) <= CROWD for overlap in overlaps)


def overlap(one: Detection, other: Detection) -> int:
    """Intersection over union of two boxes, in hundredths."""
    width = min(one[2] + one[4], other[2] + other[4]) - max(one[2], other[2])
    height = min(one[3] + one[5], other[3] + other[5]) - max(one[3], other[3])
    if width <= 0 or height <= 0:
        return 0
    union = one[4] * one[5] + other[4] * other[5] - width * height
    return width * height * 100 // union if union > 0 else 0


def said_of(found: Sequence[Detection], threshold: int) -> int | None:
    """An image's prediction: the class of its best detection at or above the threshold."""
    return found[0][0] if found and found[0][1] >= threshold else None


def loss_of(values: Mapping[str, str], names: Iterable[str]) -> Decimal | None:
    """The sum of an epoch's named losses; None where one is missing or no number."""
    try:
        parts = [Decimal(values[name]) for name in names]
    except (KeyError, InvalidOperation, TypeError):
        return None
    return sum(parts, Decimal(0)) if parts and all(part.is_finite() for part in parts) else None


def relative(stated: Decimal, found: Decimal) -> Decimal:
    """How far they lie apart, as a share of the larger one, in millionths."""
    larger = max(abs(stated), abs(found))
    return abs(stated - found) / larger * MILLION if larger else Decimal(0)


def loss_limit(tolerance: Tolerance, epoch: int) -> int:
    """What is allowed after so many epochs, in millionths."""
    return next((most for last, most in tolerance.losses if last is None or epoch <= last), 0)
