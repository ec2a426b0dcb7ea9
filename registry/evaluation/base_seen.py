"""What base weights have seen of the images that are judged, in words, and what follows for claims.

Invariants: nothing that is unknown is told as nothing; a claim that rests on images that the base weights have seen is
never plainly supported.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import structs

from registry.core.records import Origin, Seen, Verdict

ON_SEEN = "supported on seen images"  # a verdict: supported, but the base weights had seen images that it counts
UNKNOWN = (
    "The origin of the base weights is unknown: whether they have seen judged images, persons or near-duplicates "
    "can't be told."
)
WITHIN = "Whether they have seen near-duplicates that are not in this snapshot was not looked at."
UNCLEANED = "Near-duplicates, and what is dropped, show only once the images are cleaned: these counts are before that."


def is_seen(seen: Seen | None) -> bool:
    """Whether base weights have seen anything that is judged."""
    return seen is not None and bool(seen.images or seen.persons or seen.near_duplicates)


def about_base(origin: Origin | None) -> tuple[str, ...]:
    """Sentences about what base weights have seen; none where a run begins from the architecture alone."""
    if origin is None:
        return ()
    seen = origin.seen
    if seen is None:
        return (UNKNOWN,)
    more = "" if origin.whole else " at least; a part of their origin is unknown"
    counts = f"{seen.images} judged images, {seen.persons} persons and {seen.near_duplicates} further near-duplicates"
    if not is_seen(seen):
        known = "Of what is known of their origin the" if more else "The"
        rest = " A part of their origin is unknown." if more else ""
        none = "no judged image, no file of the same pixels and no other picture of the same person"
        return (f"{known} base weights have seen {none}.{rest}", WITHIN)
    return (
        f"The base weights have seen {counts}{more}: on these no fold judges what the weights had not seen. "
        "Figures of the images that they have not seen are told apart, and no claim is simply supported.",
        WITHIN,
    )


def before_cleaning(origin: Origin | None) -> tuple[str, ...]:
    """As ``about_base``, said of images that were not cleaned yet: none of their near-duplicates is known."""
    said = about_base(origin)
    return said if origin is None or origin.seen is None else (*said, UNCLEANED)


def mark(verdicts: Collection[Verdict], origin: Origin | None) -> tuple[Verdict, ...]:
    """The verdicts, those that say ``supported`` with the word that they are on seen images where some are."""
    if origin is None or not is_seen(origin.seen):
        return tuple(verdicts)
    return tuple(structs.replace(one, verdict=ON_SEEN) if one.verdict == "supported" else one for one in verdicts)
