"""What levels 1 to 4 and 6 can't find of what the holder of the key states anew and signs, why, and what finds it.

Three things find it. Level 5, 7 or 8 makes it again. Where nothing can make it again, it is the issuer's own statement:
then the log does, because an entry that was shown before (to a witness, an anchor, an authority, anyone who has it)
and the new one have the same place: ``2.log`` fails wherever both are at hand. What a file holds beside its target, and
which blocks are its roots, nobody signs: an audit tells it (TOLD), in a check's reason or by one that it can't make.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.tampering.sealed import File, Sealed, alarm, audit, said
from tests.tampering.variants import HOLDER, STAMPS_KEPT, Variant

Said = dict[str, tuple[str, str]]
LOG = "2.log with the entries that were shown before"
TOLD = "told"


class Beyond(NamedTuple):
    """A pattern of (type or table, field), the level or whatever else finds a change of it, and why nothing earlier
    does."""

    pattern: str
    by: str
    why: str

    def found_by(self, sealed: Sealed, file: File, folder: Path) -> str | None:
        """The check that fails, LOG or TOLD; None where it is not found."""
        if self.by == TOLD:
            return TOLD if self._is_told(sealed, file) else None
        if self.by != LOG:
            failed = alarm(file, sealed.trust, {int(self.by)}, folder=folder)
            if failed is not None:
                return failed if failed.startswith(f"{self.by}.") else None
            if "withdrawn" not in sealed.says["1.images"][1]:
                return None  # of what a withdrawn image gave nobody can make anything again, since its bytes are gone
        return _by_the_log(sealed, file)

    def _is_told(self, sealed: Sealed, file: File) -> bool:
        found = said(audit(file, sealed.trust, issuer=sealed.key_of_log))
        another = found["target"] != sealed.says["target"] and self.pattern.startswith("(file")
        return another or _told(found, sealed.says)


def _by_the_log(sealed: Sealed, file: File) -> str | None:
    known = dict(file.sections)
    shown = [(cid, data) for cid, data in sealed.file.sections if _is_entry(data) and cid not in known]
    both = File(file.roots, (*file.sections, *shown))
    return LOG if alarm(both, sealed.trust, {2}) is not None else None  # two releases in one place: 1.file


def _told(said: Said, honest: Said) -> bool:
    """Whether an audit says something else; the target's CID aside, which changes with whatever is signed again."""
    results = [{id: one[0] for id, one in some.items() if id != "target"} for some in (said, honest)]
    reasons = [
        [some[id] for id in ("1.complete", "2.signatures", "3.evidence") if id in some] for some in (said, honest)
    ]
    return results[0] != results[1] or reasons[0] != reasons[1]


def _is_entry(data: bytes) -> bool:
    return b"dtypeeentry" in data


LIST = (
    Beyond(r"training weights and tensors", "7", "which weights are whose only predictions tell"),
    Beyond(r"table \(whole\)", "8", "of tables only a training's history is true in another place"),
    Beyond(
        r"training( weights and tensors and)? history",
        "8",
        "another table of losses, only training again tells",
    ),
    Beyond(r"training\.history values.*", "8", "figures count the named losses only; others are a statement"),
    Beyond(r"training\.history state.*", "8", "a state follows from training, and from nothing else"),
    Beyond(r"evaluation \(all\)", "7", "all follows from predictions, which only the weights can tell"),
    Beyond(r"evaluation\.predictions detections.*", "7", "no figure follows from where a box lies exactly"),
    Beyond(r"preprocessing\.output (width|height|pixels|group|measured|reason|boxes).*", "5", "of the pixels"),
    Beyond(r"issuer chains.*", LOG, "which chains count is the issuer's own choice"),
    Beyond(r"(snapshot|release) supersedes", LOG, "what it replaces is a statement"),
    Beyond(r"environment values.*|training hardware.*|plan code", LOG, "what it ran on is a statement"),
    Beyond(r"training (started|ended|events.*)|entry issuedAt", LOG, "times of the issuer's own clock"),
    Beyond(r"withdrawal (reason|effective|remedy|replacement)", LOG, "why and until when is the signer's own word"),
    Beyond(r"contribution\.rows (consent|signature|replaces)", LOG, "of an unsigned row only the issuer states it"),
    Beyond(r"entry (\(whole\)|record)|entry of .*", LOG, "what else the issuer says is its own choice"),
    Beyond(r"release \(whole\)", LOG, "another release of the same issuer is as true as this one"),
    Beyond(r"(audit|name|profile) .*", LOG, "what its issuer says beside the release is its own word"),
    Beyond(r"entry .*", TOLD, "an entry beside the target was taken away"),
    Beyond(r"evidence \(whole\)", TOLD, "nothing signed says what evidence there is"),
    Beyond(r"block .*", TOLD, "what stands beside the target, no link misses"),
    Beyond(r"entry (prev|seq|log)", LOG, "what came before it is not in the file"),
    Beyond(r"release weights", LOG, "their order says nothing"),
    Beyond(r"(snapshot|plan|withdrawal|keys|entry|audit) v", LOG, "an older version says the same where it can say it"),
    Beyond(r"(file|root|beside|entry beside).*", TOLD, "nothing signed says what a file must hold beside its target"),
)


def beyond(variant: Variant) -> list[Beyond]:
    """The rows of the list that a variant falls under. What an outsider changes may be told, and no more."""
    name = f"{variant.what} {variant.field}"
    found = [one for one in LIST if re.fullmatch(one.pattern, name)]
    return [one for one in found if one.by == TOLD or variant.by in (HOLDER, STAMPS_KEPT)]
