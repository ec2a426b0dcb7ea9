"""What levels 1 to 4 and 6 can't find of what the holder of the key states anew and signs, why, and what finds it.

Two things find it. Level 5, 7 or 8 makes it again. Where nothing can make it again, it is the issuer's own statement:
then the log does, because an entry that was shown before (to a witness, an anchor, an authority, anyone who has it)
and the new one have the same place: ``2.log`` fails wherever both are at hand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.tampering.sealed import File, Sealed, alarm
from tests.tampering.variants import Variant

LOG = "2.log with the entries that were shown before"


class Beyond(NamedTuple):
    """A pattern of (type or table, field), the check that finds a change of it, and why no earlier one does."""

    pattern: str
    by: str
    why: str

    def finds(self, sealed: Sealed, file: File, folder: Path) -> bool:
        """Whether it does."""
        if self.by != LOG:
            level = int(self.by[0])
            return alarm(file, sealed.trust, {level}, folder=folder) == self.by
        known = dict(file.sections)
        shown = [(cid, data) for cid, data in sealed.file.sections if _is_entry(data) and cid not in known]
        both = File(file.roots, (*file.sections, *shown))
        return alarm(both, sealed.trust, {2}) == "2.log"


def _is_entry(data: bytes) -> bool:
    return b"dtypeeentry" in data


LIST = (
    Beyond(r"training history", "8.training", "another table of losses, which only training again can tell"),
    Beyond(r"training\.history values.*", "8.training", "figures count the named losses only; others are a statement"),
    Beyond(r"training\.history state.*", "8.training", "a state follows from training, and from nothing else"),
    Beyond(r"preprocessing\.output (width|height|pixels|group|measured|reason|boxes).*", "5.pixels", "of the pixels"),
    Beyond(r"issuer chains.*", LOG, "which chains count is the issuer's own choice"),
    Beyond(r"(snapshot|release) supersedes", LOG, "what it replaces is a statement"),
    Beyond(r"environment values.*|training hardware.*|plan code", LOG, "what it ran on is a statement"),
    Beyond(r"training (started|ended|events.*)|entry issuedAt", LOG, "times of the issuer's own clock"),
    Beyond(r"withdrawal (reason|effective|remedy|replacement)", LOG, "why and until when is the signer's own word"),
    Beyond(r"contribution\.rows (consent|signature|replaces)", LOG, "of an unsigned row only the issuer states it"),
)


def beyond(variant: Variant) -> Beyond | None:
    """The row of the list that a variant falls under."""
    said = f"{variant.what} {variant.field}"
    return next((one for one in LIST if re.fullmatch(one.pattern, said)), None)
