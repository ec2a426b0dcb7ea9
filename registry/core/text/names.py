"""Names that an issuer gives to snapshots, plans and releases, and how people write them: NAME, NAME@2, ISSUER/NAME.

    REFERENCE = [ISSUER "/"] NAME ["@" NUMBER]
    NAME      = a lower-case ASCII letter, then letters and digits, with single "-" or "_" between them; at most 63
    NUMBER    = 1, 2, ...: the first, the second thing that the issuer called so; without it the newest
    ISSUER    = a did:pkh, or its address 0x...

Invariants: no text is both a name and anything else that commands take: no CID, no beginning of one ("baf..."), no
sha256 (64 digits), no address, no path or file with an ending, not ``latest``; two names never look alike by the case
or the script of their letters.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from registry.core.errors import InvalidInput
from registry.core.ipld.cid import is_cid
from registry.core.issuers import is_did, read_issuer

LATEST = "latest"  # means the newest one, named or not
RESERVED = frozenset({LATEST})
MAX_NAME = 63
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_CID_BEGINS = "baf"


class Reference(NamedTuple):
    """What somebody wrote: whose name (a DID; None: one's own), and which thing of that name (None: the newest)."""

    issuer: str | None
    name: str
    number: int | None


def is_name(text: str) -> bool:
    """Whether this can be a name."""
    if len(text) > MAX_NAME or not _NAME.fullmatch(text):
        return False
    return not (text in RESERVED or text.startswith(_CID_BEGINS) or is_cid(text))


def check_name(text: str) -> str:
    """``text`` as it is. ``InvalidInput`` (``bad_name``) where it can be no name."""
    if not is_name(text):
        why, hint = why_no_name(text)
        raise InvalidInput(f"{text[:80]!r} can be no name: {why}", code="bad_name", hint=hint)
    return text


def why_no_name(text: str) -> tuple[str, str]:
    """What of a name's rules this text breaks, and the way out; of something that is no name."""
    lower = text.lower()
    if len(text) > MAX_NAME:
        return f"a name has at most {MAX_NAME} characters, this has {len(text)}", "take a shorter one."
    if text in RESERVED:
        return f"{text} means the newest one", "take another name."
    if lower.startswith(_CID_BEGINS):
        return f"what begins with {_CID_BEGINS} is a CID", "take another name."
    if lower != text and is_name(lower):
        return "names have no capital letters", f"write {lower}."
    return (
        "a name has lower-case letters a to z, digits, and single - or _ between them, and begins with a letter",
        "take such a name, like faces-2026.",
    )


def why_no_reference(text: str) -> tuple[str, str]:
    """As ``why_no_name``, of a text that ``read_reference`` can't read, with its number and its issuer."""
    before, slash, rest = text.rpartition("/")
    name, at, _ = rest.partition("@")
    if slash and not is_did(read_issuer(before)):
        return "before / stands the issuer's address: 0x and 40 hex digits", "write 0x.../NAME."
    if is_name(name) and at:
        return f"after {name}@ stands a whole number from 1 on", f"write {name}@1 for the first that was called so."
    return why_no_name(name)


def read_reference(text: str) -> Reference | None:
    """A name as somebody wrote it, or as one part of an address holds it ("0x...%2Ffaces"); None where it is none, and
    so may be something else."""
    text = text.replace("%2F", "/", 1)
    before, slash, rest = text.rpartition("/")
    name, at, number = rest.partition("@")
    issuer = read_issuer(before) if slash else None
    if (issuer is not None and not is_did(issuer)) or (at and not _NUMBER.fullmatch(number)) or not is_name(name):
        return None
    return Reference(issuer, name, int(number) if at else None)


def is_reference(text: str) -> bool:
    """Whether this is written as a name, or is ``latest``: no path of this machine, unless a file is called so."""
    return text == LATEST or read_reference(text) is not None
