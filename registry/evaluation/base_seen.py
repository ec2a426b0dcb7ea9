"""Notes on which judged images the base weights have seen, and the effect on verdicts.

Invariants: an unknown origin is never reported as "nothing seen"; a claim on images that the base weights have seen is
never simply ``supported``.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import structs

from registry.core.records import Note, Origin, Seen, Verdict

ON_SEEN = "supported on seen images"  # a verdict: supported, but the base weights had seen images that it counts
UNKNOWN = Note(code="base_unknown", values={})
OUTSIDE = Note(code="base_outside", values={})
UNCLEANED = Note(code="base_uncleaned", values={})


def is_seen(seen: Seen | None) -> bool:
    """Whether base weights have seen anything that is judged."""
    return seen is not None and bool(seen.images or seen.persons or seen.near_duplicates)


def about_base(origin: Origin | None) -> tuple[Note, ...]:
    """Notes on what base weights have seen; none where a run begins from the architecture alone."""
    if origin is None:
        return ()
    seen = origin.seen
    if seen is None:
        return (UNKNOWN,)
    known = "" if origin.whole else "_known"
    if not is_seen(seen):
        return Note(code=f"base_seen_none{known}", values={}), OUTSIDE
    counts = {"images": seen.images, "persons": seen.persons, "near_duplicates": seen.near_duplicates}
    return Note(code=f"base_seen{known}", values={**counts}), OUTSIDE


def before_cleaning(origin: Origin | None) -> tuple[Note, ...]:
    """As ``about_base``, of images that were not cleaned yet: none of their near-duplicates is known."""
    found = about_base(origin)
    return found if origin is None or origin.seen is None else (*found, UNCLEANED)


def mark(verdicts: Collection[Verdict], origin: Origin | None) -> tuple[Verdict, ...]:
    """The verdicts, those that say ``supported`` with the word that they are on seen images where some are."""
    if origin is None or not is_seen(origin.seen):
        return tuple(verdicts)
    return tuple(structs.replace(one, verdict=ON_SEEN) if one.verdict == "supported" else one for one in verdicts)
