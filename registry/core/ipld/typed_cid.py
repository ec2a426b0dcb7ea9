"""A CID that somebody typed, and what else it seems to be."""

from __future__ import annotations

import re

from registry.core.errors import InvalidInput, UsageError
from registry.core.ipld.cid import CID


def given(text: str) -> CID:
    """The CID that somebody typed. ``UsageError`` (``invalid_cid``) names what was typed and what it seems to be."""
    try:
        return CID.parse(text)
    except InvalidInput as error:
        sentence, hint = _misread(text, str(error).removeprefix("not a CID: "))
        raise UsageError(sentence, code="invalid_cid", hint=hint) from error


_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_RUN = re.compile(r"r[a-z0-9]{12}\Z")
_BEGUN = re.compile(r"(baf[a-z2-7]|Qm)[A-Za-z0-9]*\Z")


def _misread(text: str, why: str) -> tuple[str, str]:
    """What somebody typed instead of a CID, and the way out."""
    other = (
        f"{_shown(text)} is no CID: {why}",
        "a CID begins with bafy, bafk or Qm, as `emotionet ... --quiet` prints it.",
    )
    return seems_to_be(text) or other


def _shown(text: str) -> str:
    return repr(text if len(text) <= 100 else f"{text[:99]}…")


def seems_to_be(text: str) -> tuple[str, str] | None:
    """What a text that is no CID is instead (a digest, a run, a shortened CID), and the way out; None if it is none of
    these.
    """
    shown = _shown(text)
    if _DIGEST.match(text):
        return f"{shown} is a SHA-256 digest, no CID", f"`emotionet lookup {text}` lists what it names."
    if _RUN.match(text):
        return f"{shown} is no CID but looks like a run", f"`emotionet runs show {text}` names what the run made."
    whole = 46 if text.startswith("Qm") else 59
    if "…" in text or "..." in text or (_BEGUN.match(text) and len(text) < whole):
        return (
            f"{shown} is a shortened CID: a whole one has {whole} characters",
            "copy all of it; --quiet prints it alone.",
        )
    return None
