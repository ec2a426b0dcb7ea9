"""What a proof shows, in sentences, and as a document."""

from __future__ import annotations

from typing import Any

from registry.provenance.picture_proof import Proof, Use


def sentence(use: Use) -> str:
    """One record's answer."""
    where = f"{use.kind} {use.record}, signed by {use.issuer} at {use.issued_at}"
    if not use.included:
        why = f": it was left out ({use.excluded})" if use.excluded else ""
        return f"This very file is not in {where}{why}."
    if use.kind == "snapshot":
        return f"This picture is in {where}, {_labelled(use)}."
    if use.dropped is not None:
        return f"This picture was in the data of {where}, {_labelled(use)}; cleaning dropped it ({use.dropped})."
    told = "; ".join(f"trained on in {_folds(one.trained)}, judged in fold {one.judged}" for one in use.repeats)
    refit = "; the final weights were trained on it too" if use.refit else ""
    seen = {"image": "it", "person": "its person", "near_duplicate": "a picture like it"}.get(use.seen or "", "")
    before = f"; the base weights had seen {seen} before" if seen else ""
    return f"This picture was in the data of {where}, {_labelled(use)}: {told}{refit}{before}."


def _labelled(use: Use) -> str:
    return "as a picture that shows nothing of any class" if use.label is None else f"labelled {use.label}"


def _folds(folds: tuple[int, ...]) -> str:
    names = ", ".join(map(str, folds))
    return f"fold {names}" if len(folds) == 1 else f"folds {names}"


ABSENT = (
    "Only this very file was looked for, byte for byte. The same photograph saved again, resized, cropped or sent by a "
    "messenger is another file and may be in it: look for each copy that you have, best the original.",
    "That a file is not in a table holds as far as the table is in order: an audit of the whole checks that.",
)


def sentences(proof: Proof) -> list[str]:
    """One for each record; after them, where any says that the picture is not in it, what that leaves open."""
    absent = ABSENT if any(not use.included for use in proof.uses) else ()
    return [*(sentence(use) for use in proof.uses), *absent]


def document(proof: Proof) -> dict[str, Any]:
    """For JSON."""
    uses = [
        {
            **{name: str(getattr(use, name)) for name in ("entry", "record", "snapshot")},
            **{name: getattr(use, name) for name in ("kind", "issuer", "included", "label", "excluded", "dropped")},
            "issued_at": use.issued_at,
            "judged": [one.judged for one in use.repeats],
            "trained": [fold for one in use.repeats for fold in one.trained],
            "refit": use.refit,
            "seen": use.seen,
            "text": sentence(use),
        }
        for use in proof.uses
    ]
    return {"sha256": proof.image.hex(), "uses": uses}
