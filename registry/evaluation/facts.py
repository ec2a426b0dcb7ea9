"""What a verdict on a release is made of."""

from __future__ import annotations

import msgspec

from registry.core.records import Attempts


class ClaimFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A claim with its verdict, as a release's record has it, and the number of images of its figure."""

    metric: str
    comparator: str
    threshold: str
    verdict: str
    value: str | None = None
    low: str | None = None
    high: str | None = None
    needed: int | None = None
    reason: str | None = None
    n: int | None = None
    alone: str | None = None  # its verdict before the correction for attempts, where that is another one


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that a verdict is made of. What is not known is None and is not spoken of."""

    type: str | None = "release"  # of the target, as its record says
    file: str | None = None  # "other" (no CAR), "cut" (off) or "untargeted" (a CAR that names nothing to audit)
    kind: str | None = None  # what a file that is no CAR is: a key of ``[kind]`` in verdict.toml
    claims: tuple[ClaimFacts, ...] | None = None  # None: of what is no release, or can't be read
    images: int | None = None  # that were judged
    persons: int | None = None  # among them; None where some have no subject
    groups: int | None = None  # of persons and near-duplicates
    attributes: tuple[str, ...] | None = None  # by which groups were compared
    attempts: Attempts | None = None
    correction: str | None = None  # for them, as the plan locked it: "holm" or "none"
    abandoned: tuple[int, ...] = ()  # days before the release, of each earlier attempt that became none
    attempts_stated: bool = False  # by the issuer alone: nobody counted
    base: str | None = None  # "unknown", "partly" or "known"; None: training began from the architecture alone
    order: str | None = None  # "proven" by a chain, "stamped"; "journal": no block in the draw; "unasked": one
    records: str = "unchecked"  # or "consistent", "broken", "undecided" (a newer program wrote them), "unusable"
    failed: tuple[str, ...] = ()  # ids of the checks that do not hold
    levels: tuple[int, ...] = ()  # that were looked at
    images_open: bool = False  # an audit did not look at the images
    local: bool = True  # False: a stranger's, of which this home knows no more than its records say
    withdrawn: bool = False  # the target itself, by its issuer
    withdrawn_snapshot: bool = False
    withdrawn_images: int = 0
