"""What an image says of its own use, and what a snapshot demands of it.

A signal (``labeled_row.SIGNALS``) is said by a row, or was read out of the picture itself at import; then its name
begins with ``picture.``. Of one image they may contradict each other, and one no is enough.

Invariants: pure; a value that is not known counts as no: nobody writes one to allow what would be allowed without. What
was there and could not be read (``NOT_READ``) is told apart from silence, and leaves nothing out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from registry.core.errors import InvalidInput
from registry.core.labeling.labeled_row import PICTURE
from registry.core.records.data import Use
from registry.core.snapshots.classes import normal

NO, YES, NOT_READ, SILENT = "no", "yes", "not_read", "silent"
UNREAD = "notRead"  # a value: content credentials that are there and could not be read, or not be believed
_MEANS: dict[str, dict[str, str]] = {
    "c2pa.training-mining": {"allowed": YES, UNREAD: NOT_READ},
    "iptc.data-mining": {"DMI-ALLOWED": YES, "DMI-UNSPECIFIED": SILENT},
    "tdm-reservation": {"0": YES},
}
RESERVED, LICENCE, NO_CONSENT = "reserved", "licence", "no_consent"
REFUSALS = ("no", "none", "refused", "denied", "withdrawn", "revoked", "false", "0")  # of consent, as ``normal``
Row = Mapping[str, Any]


def check_use(use: Use | None) -> None:
    """``InvalidInput`` (``bad_use``) for demands that say nothing: a blank reason, a licence named twice."""
    if use is None:
        return
    if use.override is not None and not normal(use.override):
        raise InvalidInput("rights are overridden for a stated reason only", code="bad_use", hint="say why.")
    if list(use.licences) != sorted(set(use.licences)):
        raise InvalidInput("licences that are demanded stand in order, each once", code="bad_use")


def meaning(signal: str, value: str) -> str:
    """``NO``, ``YES``, ``NOT_READ`` or ``SILENT``: what one value of a signal says of training and data mining."""
    means = _MEANS.get(signal.removeprefix(PICTURE))
    return SILENT if means is None else means.get(value.rpartition("/")[2], NO)


def standing(rights: Mapping[str, Sequence[str]]) -> str:
    """What an image's signals say together: no before yes, and both before what could not be read."""
    if not rights:
        return SILENT  # nearly always
    said = {meaning(signal, value) for signal, values in rights.items() for value in values}
    return next((one for one in (NO, YES, NOT_READ) if one in said), SILENT)


def says_no(rights: Mapping[str, str]) -> bool:
    """Whether one row's signals reserve the image's use: a snapshot leaves it out unless rights are overridden."""
    return any(meaning(signal, value) == NO for signal, value in rights.items())


def all_given(maps: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    """All different values that rows give of a signal, sorted: no reservation is lost to a milder word."""
    found: dict[str, set[str]] = {}
    for one in maps:
        for name, value in one.items():
            found.setdefault(name, set()).add(value)
    return {name: sorted(values) for name, values in found.items()}


def unmet(group: Sequence[Row], use: Use | None) -> tuple[str, str] | None:
    """The first demand that an image's rows don't meet, with its detail; None where all are met, or none was made."""
    if use is None:
        return None
    refusals = [] if use.override is not None else _reservations(group)
    if refusals:
        return RESERVED, ", ".join(refusals)
    if use.licences:
        licences = _given(group, "licence")
        if not (licences and set(licences) <= set(use.licences)):
            return LICENCE, ", ".join(licences)
    consents = _given(group, "consent")
    if any(map(refuses, consents)) or (use.consent and not consents):
        return NO_CONSENT, ", ".join(consents)
    return None


@lru_cache(1 << 10)
def refuses(consent: str) -> bool:
    """Whether what a row says of consent is a refusal. It counts whether or not consent is demanded, and no reason
    overrides it: a person has said no."""
    return normal(consent) in REFUSALS


def _reservations(group: Sequence[Row]) -> list[str]:
    if not any(row["rights"] for row in group):
        return []  # nearly always
    rights = all_given(row["rights"] for row in group)
    said = [(signal, value) for signal, values in sorted(rights.items()) for value in values]
    return [f"{signal} {value}" for signal, value in said if meaning(signal, value) == NO]


def _given(group: Sequence[Row], field: str) -> list[str]:
    return sorted({row[field] for row in group if row[field] is not None})
